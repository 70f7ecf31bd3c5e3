#include "pkg/api/label_selector.h"

#include <algorithm>
#include <utility>

namespace plimsoll::api {
namespace {

using base::Result;

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Commas split, except within "(...)".
std::vector<std::string_view> splitOutsideParentheses(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] == ',' && depth == 0) {
      parts.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  parts.push_back(trim(text.substr(start)));
  return parts;
}

bool isLabelText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

tl::unexpected<base::Error> malformed(std::string_view part) {
  return base::invalidArgument("label selector: cannot read \"" + std::string(part) +
                               "\"; write key=value, key!=value, key in (a,b), key notin (a,b), key or !key");
}

Result<std::vector<std::string>> parseList(std::string_view text, std::string_view whole) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return malformed(whole);
  std::vector<std::string> values;
  for (std::string_view value : splitOutsideParentheses(text.substr(1, text.size() - 2))) {
    if (!isLabelText(value)) return malformed(whole);
    values.emplace_back(value);
  }
  return values;
}

}  // namespace

Result<LabelSelector::Requirement> LabelSelector::parseRequirement(std::string_view text) {
  Requirement out;
  std::string_view key = text;
  if (text.starts_with('!')) {
    out.op = Operator::Missing;
    key = trim(text.substr(1));
  } else if (const size_t at = text.find_first_of("=!"); at != text.npos) {
    const bool negated = text[at] == '!';
    if (negated && !text.substr(at).starts_with("!=")) return malformed(text);
    const size_t width = negated || text.substr(at).starts_with("==") ? 2 : 1;
    const std::string_view value = trim(text.substr(at + width));
    if (!isLabelText(value)) return malformed(text);
    out.op = negated ? Operator::NotIn : Operator::In;
    out.values = {std::string(value)};
    key = trim(text.substr(0, at));
  } else if (const size_t blank = text.find(' '); blank != text.npos) {
    key = text.substr(0, blank);
    std::string_view rest = trim(text.substr(blank));
    out.op = rest.starts_with("notin") ? Operator::NotIn : Operator::In;
    if (!rest.starts_with("in") && !rest.starts_with("notin")) return malformed(text);
    rest.remove_prefix(rest.starts_with("notin") ? 5 : 2);
    ASSIGN_OR_RETURN(out.values, parseList(trim(rest), text));
  }
  if (key.empty() || !isLabelText(key)) return malformed(text);
  out.key = key;
  return out;
}

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  text = trim(text);
  if (text.empty()) return selector;
  for (std::string_view part : splitOutsideParentheses(text)) {
    ASSIGN_OR_RETURN(Requirement requirement, parseRequirement(part));
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool LabelSelector::matches(const std::map<std::string, std::string, std::less<>>& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    const auto label = labels.find(requirement.key);
    const bool present = label != labels.end();
    const auto listed = [&] {
      return std::find(requirement.values.begin(), requirement.values.end(), label->second) !=
             requirement.values.end();
    };
    switch (requirement.op) {
      case Operator::Exists:
        return present;
      case Operator::Missing:
        return !present;
      case Operator::In:
        return present && listed();
      case Operator::NotIn:
        return !present || !listed();
    }
    return false;
  });
}

}  // namespace plimsoll::api
