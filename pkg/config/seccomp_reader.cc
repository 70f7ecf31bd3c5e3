// The "seccompProfiles" of the node's configuration: JSON texts in the form of the OCI runtime specification.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "pkg/config/reader.h"
#include "pkg/model/quantity.h"

namespace plimsoll::config {
namespace {

using Json = nlohmann::json;
using base::invalidArgument;
using base::Result;
using base::Status;
using model::SeccompArgument;
using model::SeccompProfile;
using model::SeccompRule;

constexpr size_t kMostNames = 4096;

// Not SCMP_ACT_NOTIFY, which waits for a listener that the node would have to run, nor SCMP_ACT_TRACE.
constexpr std::string_view kActions[] = {"SCMP_ACT_ALLOW",        "SCMP_ACT_ERRNO",       "SCMP_ACT_KILL",
                                         "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
                                         "SCMP_ACT_TRAP"};
constexpr std::string_view kOperators[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
                                           "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
constexpr std::string_view kFlags[] = {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                                       "SECCOMP_FILTER_FLAG_TSYNC"};

Status onlyKeys(const Json& object, std::string_view what, std::span<const std::string_view> keys) {
  if (!object.is_object()) return invalidArgument(std::string(what) + " wants an object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return invalidArgument(std::string(what) + " has " + model::inQuotes(key) +
                             ", which is not known here" + didYouMean(key, keys));
  }
  return base::ok();
}

Result<std::string> wordOf(const Json& object, const char* key, std::span<const std::string_view> words) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string()) return invalidArgument(std::string(key) + " wants a word");
  std::string word = it->get<std::string>();
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  return invalidArgument(std::string(key) + ": " + model::inQuotes(word) + " is not known here" +
                         didYouMean(word, words));
}

template <typename Number>
Result<Number> numberOf(const Json& value, const char* key, uint64_t most) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > most)
    return invalidArgument(std::string(key) + " wants a whole number up to " + std::to_string(most));
  return static_cast<Number>(value.get<uint64_t>());
}

// The kernel's MAX_ERRNO.
constexpr uint64_t kMostErrno = 4095;

Result<std::optional<uint32_t>> errnoOf(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end()) return std::optional<uint32_t>();
  ASSIGN_OR_RETURN(const uint32_t number, numberOf<uint32_t>(*it, key, kMostErrno));
  return std::optional(number);
}

bool isPlainName(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<std::vector<std::string>> namesOf(const Json& object, const char* key) {
  std::vector<std::string> names;
  const auto it = object.find(key);
  if (it == object.end()) return names;
  if (!it->is_array() || it->size() > kMostNames) return invalidArgument(std::string(key) + " wants a list");
  for (const Json& item : *it) {
    if (!item.is_string() || !isPlainName(item.get<std::string>()))
      return invalidArgument(std::string(key) + " wants names");
    names.push_back(item.get<std::string>());
  }
  return names;
}

Result<SeccompArgument> argumentOf(const Json& object) {
  constexpr std::string_view kKeys[] = {"index", "value", "valueTwo", "op"};
  RETURN_IF_ERROR(onlyKeys(object, "an argument", kKeys));
  SeccompArgument argument;
  ASSIGN_OR_RETURN(argument.index, numberOf<uint32_t>(object.value("index", Json()), "index", 5));
  ASSIGN_OR_RETURN(argument.value, numberOf<uint64_t>(object.value("value", Json()), "value", UINT64_MAX));
  if (object.contains("valueTwo")) {
    ASSIGN_OR_RETURN(argument.value_two, numberOf<uint64_t>(object["valueTwo"], "valueTwo", UINT64_MAX));
  }
  ASSIGN_OR_RETURN(argument.op, wordOf(object, "op", kOperators));
  return argument;
}

Result<SeccompRule> ruleOf(const Json& object) {
  constexpr std::string_view kKeys[] = {"names", "action", "errnoRet", "args"};
  RETURN_IF_ERROR(onlyKeys(object, "an entry of syscalls", kKeys));
  SeccompRule rule;
  ASSIGN_OR_RETURN(rule.names, namesOf(object, "names"));
  if (rule.names.empty()) return invalidArgument("an entry of syscalls wants names");
  ASSIGN_OR_RETURN(rule.action, wordOf(object, "action", kActions));
  ASSIGN_OR_RETURN(rule.errno_ret, errnoOf(object, "errnoRet"));
  const Json args = object.value("args", Json::array());
  if (!args.is_array()) return invalidArgument("args wants a list");
  for (const Json& item : args) {
    ASSIGN_OR_RETURN(SeccompArgument argument, argumentOf(item));
    rule.args.push_back(std::move(argument));
  }
  return rule;
}

Result<SeccompProfile> profileOf(const std::string& text) {
  constexpr std::string_view kKeys[] = {"defaultAction", "defaultErrnoRet", "architectures", "flags",
                                        "syscalls"};
  const Json object = Json::parse(text, nullptr, false);
  if (object.is_discarded()) return invalidArgument("is no JSON");
  RETURN_IF_ERROR(onlyKeys(object, "a profile", kKeys));
  SeccompProfile profile;
  ASSIGN_OR_RETURN(profile.default_action, wordOf(object, "defaultAction", kActions));
  ASSIGN_OR_RETURN(profile.default_errno, errnoOf(object, "defaultErrnoRet"));
  ASSIGN_OR_RETURN(profile.architectures, namesOf(object, "architectures"));
  ASSIGN_OR_RETURN(profile.flags, namesOf(object, "flags"));
  for (const std::string& flag : profile.flags) {
    if (std::find(std::begin(kFlags), std::end(kFlags), flag) == std::end(kFlags))
      return invalidArgument("flags: " + model::inQuotes(flag) + " is not known here");
  }
  const Json rules = object.value("syscalls", Json::array());
  if (!rules.is_array()) return invalidArgument("syscalls wants a list");
  for (const Json& item : rules) {
    ASSIGN_OR_RETURN(SeccompRule rule, ruleOf(item));
    profile.rules.push_back(std::move(rule));
  }
  return profile;
}

}  // namespace

model::SeccompProfiles readSeccompProfiles(const Entry& entry, Problems& problems) {
  model::SeccompProfiles profiles;
  if (!entry.value.isMap()) {
    problems.add(entry.line, "seccompProfiles wants a mapping from name to JSON text");
    return profiles;
  }
  const model::SettingSpec& spec = *model::findSetting("seccomp.profile")->spec;
  for (const Entry& e : entry.value.entries) {
    if (!model::parseValue(spec, e.key))
      problems.add(e.line,
                   "a profile is named with a-z, 0-9 and -, and " + model::inQuotes(e.key) + " is not");
    auto text = readText(e, problems);
    if (!text) continue;
    auto profile = profileOf(*text);
    if (profile) {
      profiles.emplace(e.key, *std::move(profile));
    } else {
      problems.add(e.line, "the seccomp profile " + e.key + ": " + profile.error().message);
    }
  }
  return profiles;
}

}  // namespace plimsoll::config
