#include "pkg/model/quantity.h"

#include <array>
#include <optional>

#include "pkg/base/parse.h"
#include "pkg/model/value.h"

namespace plimsoll::model {
namespace {

// 128 bits hold 10^18 (the longest mantissa) times 2^60 (Ei) with room to notice an overflow.
__extension__ using Wide = unsigned __int128;

constexpr int kMaxDigits = 18;

constexpr const char* kTooLarge = "is too large";

struct Decimal {
  uint64_t mantissa = 0;
  int fraction_digits = 0;
};

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Takes "12" or "12.5" off the front of `text`.
base::Result<Decimal> takeDecimal(std::string_view& text, const char* not_a) {
  const auto take = [&text] {
    size_t n = 0;
    while (n < text.size() && isDigit(text[n])) ++n;
    std::string_view digits = text.substr(0, n);
    text.remove_prefix(n);
    return digits;
  };
  if (!text.empty() && text.front() == '-') return base::invalidArgument("must not be negative");
  const std::string_view whole = take();
  if (whole.empty()) return base::invalidArgument(not_a);
  if (whole.size() > 1 && whole.front() == '0') {
    return base::invalidArgument("has a leading zero, which some readers take for octal");
  }
  std::string_view fraction;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = take();
    if (fraction.empty()) return base::invalidArgument(not_a);
    while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  }
  if (whole.size() + fraction.size() > kMaxDigits) return base::invalidArgument("has too many digits");
  Decimal decimal{0, static_cast<int>(fraction.size())};
  for (char c : whole) decimal.mantissa = decimal.mantissa * 10 + static_cast<uint64_t>(c - '0');
  for (char c : fraction) decimal.mantissa = decimal.mantissa * 10 + static_cast<uint64_t>(c - '0');
  return decimal;
}

// mantissa * factor * 10^exponent, rounded up; nullopt: more than INT64_MAX - 1.
std::optional<int64_t> scaled(uint64_t mantissa, uint64_t factor, uint64_t scale, int exponent) {
  if (mantissa == 0) return 0;
  Wide value = Wide{mantissa};
  if (__builtin_mul_overflow(value, Wide{factor}, &value)) return std::nullopt;
  if (__builtin_mul_overflow(value, Wide{scale}, &value)) return std::nullopt;
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(value, Wide{10}, &value)) return std::nullopt;
  }
  bool rest = false;
  for (; exponent < 0 && value != 0; ++exponent) {
    rest = rest || value % 10 != 0;
    value /= 10;
  }
  if (rest) ++value;
  if (value >= Wide{INT64_MAX}) return std::nullopt;
  return static_cast<int64_t>(value);
}

struct Suffix {
  std::string_view text;
  uint64_t factor;
  int exponent;
};

constexpr std::array<Suffix, 16> kSuffixes = {{{"", 1, 0},
                                               {"Ki", 1ull << 10, 0},
                                               {"Mi", 1ull << 20, 0},
                                               {"Gi", 1ull << 30, 0},
                                               {"Ti", 1ull << 40, 0},
                                               {"Pi", 1ull << 50, 0},
                                               {"Ei", 1ull << 60, 0},
                                               {"n", 1, -9},
                                               {"u", 1, -6},
                                               {"m", 1, -3},
                                               {"k", 1, 3},
                                               {"M", 1, 6},
                                               {"G", 1, 9},
                                               {"T", 1, 12},
                                               {"P", 1, 15},
                                               {"E", 1, 18}}};

// "Mi", "k", "e3", "E-2"; nullopt: no suffix of a quantity.
std::optional<Suffix> parseSuffix(std::string_view text) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text == text) return suffix;
  }
  if (text.size() < 2 || (text.front() != 'e' && text.front() != 'E')) return std::nullopt;
  auto exponent = base::parseInt<int>(text.substr(1));
  if (!exponent || *exponent < -30 || *exponent > 30) return std::nullopt;
  return Suffix{text, 1, *exponent};
}

struct DurationUnit {
  std::string_view text;
  uint64_t factor;
  int exponent;  // of ten, in microseconds
};

constexpr std::array<DurationUnit, 8> kDurationUnits = {{{"ns", 1, -3},
                                                         {"us", 1, 0},
                                                         {"\xc2\xb5s", 1, 0},
                                                         {"\xce\xbcs", 1, 0},
                                                         {"ms", 1, 3},
                                                         {"s", 1, 6},
                                                         {"m", 60, 6},
                                                         {"h", 3600, 6}}};

// One "1.5s" off the front of `text`, in microseconds.
base::Result<int64_t> takeDurationPart(std::string_view& text) {
  ASSIGN_OR_RETURN(Decimal decimal, takeDecimal(text, "is not a duration"));
  size_t n = 0;
  while (n < text.size() && !isDigit(text[n]) && text[n] != '.') ++n;
  const std::string_view unit = text.substr(0, n);
  text.remove_prefix(n);
  if (unit.empty()) {
    if (decimal.mantissa == 0 && text.empty()) return 0;
    return base::invalidArgument("has no unit");
  }
  for (const DurationUnit& known : kDurationUnits) {
    if (known.text != unit) continue;
    auto value = scaled(decimal.mantissa, known.factor, 1, known.exponent - decimal.fraction_digits);
    if (!value) return base::invalidArgument(kTooLarge);
    return *value;
  }
  return base::invalidArgument("has an unknown unit");
}

// value / 10^digits as text, without trailing zeroes.
std::string decimalText(int64_t value, int digits) {
  std::string text = std::to_string(value);
  if (static_cast<int>(text.size()) <= digits) text.insert(0, digits + 1 - text.size(), '0');
  text.insert(text.size() - digits, ".");
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

// Divides by `step` as long as nothing is lost: 512 * 2^20 gives "512Mi".
std::string withSuffix(int64_t value, int64_t step, std::span<const std::string_view> suffixes) {
  size_t i = 0;
  while (value != 0 && value % step == 0 && i + 1 < suffixes.size()) {
    value /= step;
    ++i;
  }
  return std::to_string(value) + std::string(suffixes[i]);
}

}  // namespace

base::Result<int64_t> parseQuantity(std::string_view text, int64_t scale) {
  ASSIGN_OR_RETURN(Decimal decimal, takeDecimal(text, "is not a quantity"));
  auto suffix = parseSuffix(text);
  if (!suffix) return base::invalidArgument("is not a quantity");
  auto value = scaled(decimal.mantissa, suffix->factor, static_cast<uint64_t>(scale),
                      suffix->exponent - decimal.fraction_digits);
  if (!value) return base::invalidArgument(kTooLarge);
  return *value;
}

base::Result<int64_t> parseBytes(std::string_view text) {
  const bool suffix = text.size() == 1 || (text.size() > 1 && isDigit(text.front()));
  if (suffix && (text.back() == 'm' || text.back() == 'u' || text.back() == 'n')) {
    return base::invalidArgument("is a fraction (m is a thousandth)");
  }
  return parseQuantity(text);
}

base::Result<int64_t> parseDuration(std::string_view text) {
  int64_t total = 0;
  do {
    ASSIGN_OR_RETURN(int64_t part, takeDurationPart(text));
    if (__builtin_add_overflow(total, part, &total) || total == INT64_MAX) {
      return base::invalidArgument(kTooLarge);
    }
  } while (!text.empty());
  return total;
}

base::Result<int64_t> parsePercent(std::string_view text) {
  ASSIGN_OR_RETURN(Decimal decimal, takeDecimal(text, "is not a percentage"));
  if (text != "%") return base::invalidArgument("is not a percentage");
  if (decimal.fraction_digits > 2) return base::invalidArgument("has more than two decimals");
  auto value = scaled(decimal.mantissa, 1, 1, 2 - decimal.fraction_digits);
  if (!value) return base::invalidArgument(kTooLarge);
  return *value;
}

std::string formatBytes(int64_t bytes) {
  static constexpr std::string_view kBinary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  static constexpr std::string_view kDecimal[] = {"", "k", "M", "G", "T", "P", "E"};
  if (bytes == kMax) return "max";
  std::string binary = withSuffix(bytes, 1024, kBinary);
  std::string decimal = withSuffix(bytes, 1000, kDecimal);
  return decimal.size() < binary.size() ? decimal : binary;
}

std::string formatBitRate(int64_t bits) {
  static constexpr std::string_view kDecimal[] = {"", "k", "M", "G", "T", "P", "E"};
  return bits == kMax ? "max" : withSuffix(bits, 1000, kDecimal);
}

std::string formatDuration(int64_t microseconds) {
  if (microseconds == kMax) return "max";
  if (microseconds < 1000) return std::to_string(microseconds) + "us";
  if (microseconds < 1'000'000) return decimalText(microseconds, 3) + "ms";
  return decimalText(microseconds, 6) + "s";
}

std::string formatPercent(int64_t hundredths) {
  if (hundredths == kMax) return "max";
  return decimalText(hundredths, 2) + "%";
}

std::string formatCpus(int64_t quota_us, int64_t period_us) {
  if (quota_us == kMax) return "max";
  if (period_us <= 0) return "0";
  // Seven decimals of a CPU: with periods of at most a second, that and no other quota is read back from it.
  const Wide scaled_quota = Wide{static_cast<uint64_t>(quota_us)} * 10'000'000;
  const auto value = static_cast<int64_t>(scaled_quota / static_cast<uint64_t>(period_us));
  if (value % 10'000'000 == 0) return std::to_string(value / 10'000'000);
  return decimalText(value, 4) + "m";
}

std::string inQuotes(std::string_view text, size_t limit) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  const bool cut = text.size() > limit;
  for (char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + (cut ? "...\"" : "\"");
}

}  // namespace plimsoll::model
