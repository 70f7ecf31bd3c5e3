// Rules for the text of /metrics, for tests: what promtool and the format's own description ask for. Each
// problem is a sentence.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::metrics {

struct Sample {
  std::string name;  // with its suffix: "x_bucket"
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct ParsedFamily {
  std::string help, type;
  std::vector<Sample> samples;
};

struct ParsedText {
  std::map<std::string, ParsedFamily> families;
  std::vector<std::string> problems;

  // The value of the sample with exactly these labels; fails loudly (NaN) when there is none.
  double value(const std::string& name, const std::map<std::string, std::string>& labels = {}) const;
  bool has(const std::string& name, const std::map<std::string, std::string>& labels = {}) const;
};

ParsedText lintText(std::string_view text);

}  // namespace plimsoll::metrics
