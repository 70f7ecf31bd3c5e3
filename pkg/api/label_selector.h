// Kubernetes label selectors as `kubectl -l` takes them: "app=web,tier in (a,b),release!=old,canary,!debug".
// Pure values, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::api {

class LabelSelector {
 public:
  // InvalidArgument names the part that is wrong. "" fits everything.
  static base::Result<LabelSelector> parse(std::string_view text);

  // As Kubernetes: "!=" and "notin" also fit where the label is missing.
  bool matches(const std::map<std::string, std::string, std::less<>>& labels) const;

 private:
  enum class Operator { In, NotIn, Exists, Missing };
  struct Requirement {
    std::string key;
    Operator op = Operator::Exists;
    std::vector<std::string> values;
  };
  static base::Result<Requirement> parseRequirement(std::string_view text);

  std::vector<Requirement> requirements_;  // all must fit
};

}  // namespace plimsoll::api
