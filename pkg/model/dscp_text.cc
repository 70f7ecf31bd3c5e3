#include "pkg/model/dscp_text.h"

#include "pkg/base/parse.h"

namespace plimsoll::model {
namespace {

constexpr int64_t kNone = -1, kHighest = 63;

bool isDigit(char c, char least, char most) { return c >= least && c <= most; }

}  // namespace

base::Result<Number> parseDscp(std::string_view text) {
  if (text == "none") return Number{kNone};
  if (text == "ef") return Number{46};
  if (text == "va") return Number{44};
  if (text == "le") return Number{1};
  if (text.size() == 3 && text.starts_with("cs") && isDigit(text[2], '0', '7'))
    return Number{(text[2] - '0') * 8};
  // Class and drop precedence.
  if (text.size() == 4 && text.starts_with("af") && isDigit(text[2], '1', '4') && isDigit(text[3], '1', '3'))
    return Number{(text[2] - '0') * 8 + (text[3] - '0') * 2};
  const auto value = base::parseInt<int64_t>(text);
  if (!value) return base::invalidArgument("is not a code point");
  if (*value < 0 || *value > kHighest) return base::invalidArgument("is out of range");
  return Number{*value};
}

std::string formatDscp(int64_t value) { return value == kNone ? "none" : std::to_string(value); }

}  // namespace plimsoll::model
