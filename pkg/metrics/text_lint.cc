#include "pkg/metrics/text_lint.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "pkg/base/parse.h"

namespace plimsoll::metrics {
namespace {

using LabelMap = std::map<std::string, std::string>;

bool isName(std::string_view text, bool colons) {
  const auto good = [&](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':') ||
           (!first && c >= '0' && c <= '9');
  };
  if (text.empty()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!good(text[i], i == 0)) return false;
  }
  return true;
}

bool parseValue(std::string_view text, double& value) {
  if (text == "+Inf") return value = std::numeric_limits<double>::infinity(), true;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size();
}

class Linter {
 public:
  ParsedText run(std::string_view text) {
    if (!text.ends_with('\n')) problem("the text does not end with a line end");
    for (std::string_view line : base::split(text, '\n')) {
      if (line.empty()) continue;
      line_ = line;
      line.starts_with("#") ? comment(line) : sample(line);
    }
    for (const auto& [name, family] : out_.families) checkFamily(name, family);
    return std::move(out_);
  }

 private:
  void problem(const std::string& what) { out_.problems.push_back(what + ": " + std::string(line_)); }

  void comment(std::string_view line) {
    const auto words = base::split(line, ' ');
    if (words.size() < 4 || (words[1] != "HELP" && words[1] != "TYPE"))
      return problem("neither HELP nor TYPE");
    const std::string name(words[2]);
    if (name != current_ && out_.families.contains(name)) problem("the family stands in two places");
    current_ = name;
    ParsedFamily& family = out_.families[name];
    if (!family.samples.empty()) problem("after the family's samples");
    std::string& place = words[1] == "HELP" ? family.help : family.type;
    if (!place.empty()) problem("twice");
    place = line.substr(static_cast<size_t>(words[3].data() - line.data()));
  }

  void sample(std::string_view line) {
    Sample sample;
    const size_t end = std::min(line.find('{'), line.find(' '));
    if (end == std::string_view::npos) return problem("no value");
    sample.name = line.substr(0, end);
    std::string_view rest = line.substr(end);
    if (rest.front() == '{' && !labels(rest, sample.labels)) return problem("labels");
    if (!rest.starts_with(' ') || !parseValue(rest.substr(1), sample.value)) return problem("value");
    const std::string family = familyOf(sample.name);
    if (family != current_) problem("not under its family's HELP and TYPE");
    auto series = sample.labels;
    series["__name__"] = sample.name;
    if (!seen_.insert(series).second) problem("the series stands twice");
    out_.families[family].samples.push_back(std::move(sample));
  }

  // Takes "{...}" off `rest`.
  static bool labels(std::string_view& rest, LabelMap& labels) {
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() != '}') {
      const size_t equals = rest.find("=\"");
      if (equals == std::string_view::npos || !isName(rest.substr(0, equals), false)) return false;
      const std::string key(rest.substr(0, equals));
      rest.remove_prefix(equals + 2);
      std::string value;
      while (!rest.empty() && rest.front() != '"') {
        char c = rest.front();
        if (c == '\\') {
          rest.remove_prefix(1);
          if (rest.empty() || std::string_view("\\\"n").find(rest.front()) == std::string_view::npos)
            return false;
          c = rest.front() == 'n' ? '\n' : rest.front();
        }
        value += c;
        rest.remove_prefix(1);
      }
      if (rest.empty() || !labels.emplace(key, value).second) return false;
      rest.remove_prefix(1);
      if (rest.starts_with(',')) rest.remove_prefix(1);
    }
    if (rest.empty()) return false;
    rest.remove_prefix(1);
    return true;
  }

  std::string familyOf(const std::string& name) const {
    auto current = out_.families.find(current_);
    if (current == out_.families.end() || current->second.type != "histogram") return name;
    for (std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (name == current_ + std::string(suffix)) return current_;
    }
    return name;
  }

  void checkFamily(const std::string& name, const ParsedFamily& family) {
    line_ = name;
    if (!isName(name, true)) problem("not a name");
    if (family.help.empty()) problem("no HELP");
    if (family.type != "counter" && family.type != "gauge" && family.type != "histogram") problem("no TYPE");
    const bool total = name.ends_with("_total");
    if (family.type == "counter" && !total) problem("a counter's name ends in _total");
    if (family.type != "counter" && total) problem("only a counter's name ends in _total");
    for (std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix)) problem("a suffix of histograms");
    }
    for (std::string_view unit :
         {"milliseconds", "_ms", "microseconds", "_us", "kilobytes", "_kib", "percent"}) {
      if (name.find(unit) != std::string::npos) problem("not a base unit");
    }
    if (std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
      problem("capitals");
    for (const Sample& sample : family.samples) {
      if (family.type == "counter" && sample.value < 0) problem("a counter below 0");
      for (const auto& [key, value] : sample.labels) {
        if (key != "le" && (key.starts_with("__") || key == "quantile")) problem("a reserved label");
      }
    }
    if (family.type == "histogram") checkHistogram(name, family);
  }

  // For each set of labels: buckets ascend to +Inf, which is the count.
  void checkHistogram(const std::string& name, const ParsedFamily& family) {
    struct Shape {
      double last_bound = -1, last_count = 0, infinite = -1, count = -2, sum = -1;
    };
    std::map<LabelMap, Shape> shapes;
    for (const Sample& sample : family.samples) {
      LabelMap labels = sample.labels;
      labels.erase("le");
      Shape& shape = shapes[labels];
      if (sample.name == name + "_sum") shape.sum = sample.value;
      if (sample.name == name + "_count") shape.count = sample.value;
      if (sample.name != name + "_bucket") continue;
      double bound = 0;
      const auto le = sample.labels.find("le");
      if (le == sample.labels.end() || !parseValue(le->second, bound)) {
        problem("a bucket without a bound");
        continue;
      }
      if (bound <= shape.last_bound || sample.value < shape.last_count) problem("buckets do not ascend");
      shape.last_bound = bound;
      shape.last_count = sample.value;
      if (std::isinf(bound)) shape.infinite = sample.value;
    }
    for (const auto& [labels, shape] : shapes) {
      if (shape.infinite != shape.count || shape.sum < 0) problem("+Inf, _count and _sum do not fit");
    }
  }

  ParsedText out_;
  std::string current_;
  std::string line_;
  std::set<LabelMap> seen_;
};

const Sample* find(const ParsedText& text, const std::string& name, const LabelMap& labels) {
  for (const auto& [family, parsed] : text.families) {
    for (const Sample& sample : parsed.samples) {
      if (sample.name == name && sample.labels == labels) return &sample;
    }
  }
  return nullptr;
}

}  // namespace

double ParsedText::value(const std::string& name, const LabelMap& labels) const {
  const Sample* sample = find(*this, name, labels);
  return sample ? sample->value : std::numeric_limits<double>::quiet_NaN();
}

bool ParsedText::has(const std::string& name, const LabelMap& labels) const {
  return find(*this, name, labels) != nullptr;
}

ParsedText lintText(std::string_view text) { return Linter().run(text); }

}  // namespace plimsoll::metrics
