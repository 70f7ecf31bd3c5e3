#include "pkg/config/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pkg/base/unique_fd.h"
#include "pkg/config/built_in.h"
#include "pkg/config/reader.h"
#include "pkg/model/quantity.h"

namespace plimsoll::config {
namespace {

using annotation::yaml::kindName;
using model::ClassDef;
using model::NodePolicy;

constexpr size_t kLargestFile = 1024 * 1024;  // the API server's limit for a ConfigMap
constexpr std::string_view kApiVersion = "plimsoll.dev/v1alpha1";
constexpr std::string_view kKind = "NodeConfig";
constexpr std::string_view kTopKeys[] = {
    "apiVersion", "kind", "classes", "defaultClass", "defaults",        "onError", "ignoredNamespaces",
    "rules",      "api",  "metrics", "drift",        "seccompProfiles", "network"};
constexpr std::string_view kClassKeys[] = {"description", "settings"};
constexpr std::string_view kApiKeys[] = {"allowedUids", "maxConnections"};
constexpr std::string_view kMetricsKeys[] = {"perContainer"};
constexpr std::string_view kPerContainerKeys[] = {"enabled", "maxContainers"};

void checkHeader(const Node& top, Problems& problems) {
  const auto want = [&](std::string_view key, std::string_view value) {
    const Node* node = top.find(key);
    if (node && node->text == value) return;
    const std::string have = node ? ", not " + model::inQuotes(node->text) : "";
    problems.add(node ? node->line : top.line, std::string(key) + " must be " + std::string(value) + have);
  };
  want("apiVersion", kApiVersion);
  want("kind", kKind);
}

// The kernel refuses every write of cpu.weight while cpu.idle is 1, so one of the two would never take hold.
void checkIdle(const ClassDef& definition, int line, Problems& problems) {
  bool idle = false, weight = false;
  for (const model::Request& request : definition.settings) {
    if (request.setting.key == "cpu.idle") idle = request.value == model::Value(model::Number{1});
    if (request.setting.key == "cpu.weight") weight = true;
  }
  if (!idle || !weight) return;
  problems.add(line, "the class " + definition.name + " has both cpu.idle and cpu.weight; an idle container" +
                         " has no weight, keep one of the two");
}

ClassDef readClass(const Entry& entry, Problems& problems) {
  ClassDef definition;
  definition.name = entry.key;
  if (!model::parseValue(*model::findSetting(model::kClassKey)->spec, entry.key)) {
    problems.add(entry.line,
                 "a class is named with a-z, 0-9 and -, and " + model::inQuotes(entry.key) + " is not");
  }
  if (!checkMap(entry.value, entry.line, "a class", kClassKeys, problems)) return definition;
  for (const Entry& e : entry.value.entries) {
    if (e.key == "description") definition.description = readText(e, problems).value_or("");
    if (e.key == "settings") {
      definition.settings = readSettings(e, {model::SourceKind::Class, entry.key}, problems);
    }
  }
  if (!entry.value.find("settings")) {
    problems.add(entry.line, "a class wants settings; {} says that it has none");
  }
  checkIdle(definition, entry.line, problems);
  return definition;
}

void readClasses(const Entry& entry, NodePolicy& policy, Problems& problems) {
  if (!entry.value.isMap()) {
    problems.add(entry.line, "classes wants a mapping, not " + std::string(kindName(entry.value)));
    return;
  }
  for (const Entry& e : entry.value.entries) {
    if (!e.value.isNull()) {
      policy.classes[e.key] = readClass(e, problems);
    } else if (policy.classes.erase(e.key) == 0) {
      problems.add(e.line, "there is no built-in class " + model::inQuotes(e.key) + " to remove");
    }
  }
}

std::vector<std::string_view> namesOf(const NodePolicy& policy) {
  std::vector<std::string_view> names;
  for (const auto& [name, definition] : policy.classes) names.push_back(name);
  return names;
}

void readDefaultClass(const Entry& entry, NodePolicy& policy, Problems& problems) {
  auto name = readText(entry, problems);
  if (!name) return;
  if (!policy.classes.contains(*name)) {
    problems.add(entry.line, "defaultClass: there is no class " + model::inQuotes(*name) +
                                 didYouMean(*name, namesOf(policy)));
  }
  policy.default_class = *name;
}

void readOnError(const Entry& entry, NodePolicy& policy, Problems& problems) {
  auto word = readText(entry, problems);
  if (!word) return;
  if (*word == "reject") policy.default_on_error = model::OnError::Reject;
  if (*word != "reject" && *word != "ignore") problems.add(entry.line, "onError wants ignore or reject");
}

void readApi(const Entry& entry, ApiConfig& api, Problems& problems) {
  if (!checkMap(entry.value, entry.line, "api", kApiKeys, problems)) return;
  for (const Entry& e : entry.value.entries) {
    if (e.key == "maxConnections") {
      api.max_connections =
          static_cast<int>(readNumber(e.value, e.key, 1, 1024, problems).value_or(api.max_connections));
    }
    if (e.key != "allowedUids") continue;
    api.allowed_uids.clear();
    if (!e.value.isSequence()) problems.add(e.line, "allowedUids wants a list of numbers");
    for (const Node& item : e.value.items) {
      // The highest number means "no user" to the kernel.
      auto uid = readNumber(item, e.key, 0, UINT32_MAX - 1, problems);
      if (uid) api.allowed_uids.push_back(static_cast<uint32_t>(*uid));
    }
  }
}

void readMetrics(const Entry& entry, MetricsConfig& metrics, Problems& problems) {
  if (!checkMap(entry.value, entry.line, "metrics", kMetricsKeys, problems)) return;
  const Node* per_container = entry.value.find("perContainer");
  if (!per_container ||
      !checkMap(*per_container, per_container->line, "perContainer", kPerContainerKeys, problems))
    return;
  for (const Entry& e : per_container->entries) {
    if (e.key == "maxContainers") {
      metrics.max_containers =
          static_cast<int>(readNumber(e.value, e.key, 1, 5000, problems).value_or(metrics.max_containers));
    }
    if (e.key != "enabled") continue;
    const auto word = readText(e, problems);
    metrics.per_container = word == "true";
    if (word && *word != "true" && *word != "false") problems.add(e.line, "enabled wants true or false");
  }
}

// Rules and defaults name classes, so those are read first, wherever they stand.
void readTop(const Node& top, NodeConfig& config, Problems& problems) {
  NodePolicy& policy = config.policy;
  for (const Entry& e : top.entries) {
    if (e.key == "classes") readClasses(e, policy, problems);
  }
  const auto classes = namesOf(policy);
  for (const Entry& e : top.entries) {
    if (e.key == "defaultClass") readDefaultClass(e, policy, problems);
    if (e.key == "defaults") {
      policy.defaults = readSettings(e, {model::SourceKind::NodeDefault, "defaults"}, problems);
    }
    if (e.key == "onError") readOnError(e, policy, problems);
    if (e.key == "ignoredNamespaces") policy.ignored_namespaces = readPatterns(e, problems);
    if (e.key == "rules") policy.rules = readRules(e, classes, problems);
    if (e.key == "seccompProfiles") policy.seccomp_profiles = readSeccompProfiles(e, problems);
    if (e.key == "drift") policy.drift = readDrift(e, problems);
    if (e.key == "network") config.network = readNetwork(e, problems);
    if (e.key == "api") readApi(e, config.api, problems);
    if (e.key == "metrics") readMetrics(e, config.metrics, problems);
  }
}

}  // namespace

NodeConfig builtInConfig() {
  NodeConfig config;
  config.policy.classes = builtInClasses();
  return config;
}

base::Result<NodeConfig> loadNodeConfig(std::string_view text, std::string_view filename) {
  auto top = annotation::yaml::parse(text, {.max_bytes = kLargestFile});
  if (!top) return base::invalidArgument(std::string(filename) + ": " + top.error().message);
  Problems problems(filename);
  NodeConfig config = builtInConfig();
  if (checkMap(*top, top->line, "the node configuration", kTopKeys, problems)) {
    checkHeader(*top, problems);
    readTop(*top, config, problems);
  }
  if (!problems.empty()) return base::invalidArgument(problems.text());
  return config;
}

base::Result<std::string> readConfigText(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return base::errnoError(errno, "open " + path);
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::errnoError(errno, "read " + path);
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > kLargestFile) return base::invalidArgument(path + " is larger than 1 MiB");
  }
}

base::Result<NodeConfig> readNodeConfig(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, readConfigText(path));
  return loadNodeConfig(text, path);
}

}  // namespace plimsoll::config
