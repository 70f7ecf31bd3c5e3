// Helpers of the configuration reader: problems with their lines, and typed values out of YAML nodes. Each
// reads what it can and notes what is wrong, so that one run tells all mistakes. Private to pkg/config.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/annotation/strict_yaml.h"
#include "pkg/config/network.h"
#include "pkg/model/rules.h"

namespace plimsoll::config {

using annotation::yaml::Entry;
using annotation::yaml::Node;

class Problems {
 public:
  explicit Problems(std::string_view filename) : filename_(filename) {}
  void add(int line, std::string_view message);
  bool empty() const { return lines_.empty(); }
  std::string text() const;  // by line

 private:
  std::string filename_;
  std::vector<std::pair<int, std::string>> lines_;
};

// "; did you mean X?", or nothing.
std::string didYouMean(std::string_view word, std::span<const std::string_view> candidates);

// Whether the node is a map with no other keys than these; notes what is not. `what` names it in messages.
bool checkMap(const Node& node, int line, std::string_view what, std::span<const std::string_view> keys,
              Problems& problems);

std::optional<std::string> readText(const Entry& entry, Problems& problems);
std::optional<int64_t> readNumber(const Node& node, std::string_view what, int64_t min, int64_t max,
                                  Problems& problems);
std::vector<std::string> readTexts(const Entry& entry, Problems& problems);
// Names with at most one "*", at the end.
std::vector<std::string> readPatterns(const Entry& entry, Problems& problems);

// "cpu.weight: 400", or nested: "cpu: {weight: 400}".
std::vector<model::Request> readSettings(const Entry& entry, const model::Source& source, Problems& problems);

// The rows that "cpu.max", "memory.*" or "sysctl.net.ipv6.*" stands for; empty: it is no key of ours.
// "on-error" and "policy" ask for nothing by themselves and are not among them.
std::vector<const model::SettingSpec*> rowsOf(std::string_view pattern);

// `classes` are those that rules may name.
std::vector<model::Rule> readRules(const Entry& entry, const std::vector<std::string_view>& classes,
                                   Problems& problems);

model::SeccompProfiles readSeccompProfiles(const Entry& entry, Problems& problems);

NetworkConfig readNetwork(const Entry& entry, Problems& problems);

model::DriftRules readDrift(const Entry& entry, Problems& problems);

}  // namespace plimsoll::config
