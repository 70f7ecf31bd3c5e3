#include "pkg/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace plimsoll::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHeader = "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n";

model::NodePolicy load(const std::string& body) {
  auto config = loadNodeConfig(kHeader + body, "node.yaml");
  EXPECT_TRUE(config) << config.error().message;
  return config ? config->policy : model::NodePolicy{};
}

// The message without a header's two lines counted: problems begin in line 3.
std::string problemsOf(const std::string& body) {
  auto config = loadNodeConfig(kHeader + body, "node.yaml");
  EXPECT_FALSE(config) << body;
  return config ? "" : config.error().message;
}

std::vector<std::string> keysOf(const std::vector<model::Request>& requests) {
  std::vector<std::string> keys;
  for (const auto& request : requests) {
    keys.push_back(request.setting.key + "=" + model::formatValue(*request.setting.spec, request.value));
  }
  return keys;
}

TEST(Config, BuiltInClassesSayWhatTheDocumentationSays) {
  const auto classes = builtInConfig().policy.classes;
  ASSERT_EQ(classes.size(), 3U);
  EXPECT_THAT(keysOf(classes.at("latency-critical").settings),
              ElementsAre("cpu.weight=400", "memory.swap.max=0", "io.weight=400", "net.priority=high"));
  EXPECT_THAT(keysOf(classes.at("standard").settings), ElementsAre());
  EXPECT_THAT(keysOf(classes.at("batch").settings),
              ElementsAre("cpu.idle=true", "oom.score-adj=1000", "io.weight=10", "net.priority=besteffort"));
  EXPECT_EQ(classes.at("batch").settings[0].source.kind, model::SourceKind::Class);
  EXPECT_EQ(classes.at("batch").settings[0].source.where, "batch");
}

TEST(Config, TheHeaderAloneIsAConfiguration) {
  const auto policy = load("");
  EXPECT_EQ(policy.classes.size(), 3U);
  EXPECT_EQ(policy.default_class, std::nullopt);
  EXPECT_TRUE(policy.rules.empty());
  EXPECT_EQ(policy.default_on_error, model::OnError::Ignore);
}

TEST(Config, ReadsTheExample) {
  auto config = readNodeConfig(PLIMSOLL_EXAMPLES "/node-config.yaml");
  ASSERT_TRUE(config) << config.error().message;
  const auto& policy = config->policy;
  EXPECT_FALSE(policy.classes.contains("batch"));
  EXPECT_THAT(keysOf(policy.classes.at("bulk-io").settings),
              ElementsAre("io.weight=10", "oom.score-adj=1000"));
  EXPECT_EQ(policy.default_class, "standard");
  EXPECT_THAT(keysOf(policy.defaults), ElementsAre("pids.max=4096"));
  EXPECT_EQ(policy.defaults[0].source.kind, model::SourceKind::NodeDefault);
  EXPECT_THAT(policy.ignored_namespaces, ElementsAre("kube-system", "openshift-*"));
  ASSERT_EQ(policy.rules.size(), 6U);
  const auto& first = policy.rules[0];
  EXPECT_EQ(first.name, "databases-may-protect-memory");
  EXPECT_THAT(first.selector.namespaces, ElementsAre("databases", "tenant-*"));
  EXPECT_THAT(first.selector.qos_classes,
              ElementsAre(model::QosClass::Guaranteed, model::QosClass::Burstable));
  ASSERT_EQ(first.settings.size(), 2U);
  EXPECT_EQ(first.settings[0].max, model::Value(model::Number{512 << 20}));
  EXPECT_EQ(policy.rules[1].selector.pod_labels.at("app.kubernetes.io/component"), "packet-processing");
  EXPECT_EQ(policy.rules[3].effect, model::RuleEffect::Refuse);
  EXPECT_THAT(policy.rules[4].settings[0].words, ElementsAre("latency-critical", "interactive"));
  EXPECT_EQ(config->api, (ApiConfig{{0}, 32}));
}

// The texts between ```yaml and ``` of a Markdown file.
std::vector<std::string> yamlBlocks(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```yaml") {
      blocks.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

TEST(Config, ReadsWhatTheDocumentationShows) {
  const auto blocks = yamlBlocks(PLIMSOLL_DOCS "/configuration.md");
  ASSERT_GE(blocks.size(), 4U);
  for (const std::string& block : blocks) {
    load(block.starts_with(kHeader) ? block.substr(kHeader.size()) : block);
  }
}

TEST(Config, AClassReplacesTheBuiltInOneAndNullRemovesIt) {
  const auto policy = load("classes:\n  batch: {settings: {cpu.weight: 5}}\n  standard: null\n");
  EXPECT_THAT(keysOf(policy.classes.at("batch").settings), ElementsAre("cpu.weight=5"));
  EXPECT_FALSE(policy.classes.contains("standard"));
  EXPECT_TRUE(policy.classes.contains("latency-critical"));
}

TEST(Config, WordsAreKeptInTheFormThatValuesAreShownIn) {
  const auto policy = load("rules: [{name: r, settings: [{key: cpu.idle, words: [1]}]}]\n");
  EXPECT_THAT(policy.rules[0].settings[0].words, ElementsAre("true"));
}

TEST(Config, ListsEveryProblemByLine) {
  const auto text = problemsOf(
      "onError: explode\n"
      "clases: {}\n"
      "defaults: {memory.hihg: 1Gi}\n"
      "defaultClass: latncy-critical\n");
  EXPECT_EQ(
      text,
      "node.yaml:3: onError wants ignore or reject\n"
      "node.yaml:4: unknown key \"clases\" in the node configuration; did you mean classes?\n"
      "node.yaml:5: there is no setting \"memory.hihg\"; did you mean memory.high?\n"
      "node.yaml:6: defaultClass: there is no class \"latncy-critical\"; did you mean latency-critical?");
}

struct Bad {
  const char* body;
  const char* says;
};

TEST(Config, RefusesWhatItCannotTakeLiterally) {
  const Bad table[] = {
      {"[]", "node.yaml: line 3"},
      {"rules: {}\n", "rules wants a list, not a mapping"},
      {"rules: [{settings: [{key: memory.min}]}]\n", "a rule wants a name"},
      {"rules: [{name: r}]\n", "wants a list of settings"},
      {"rules: [{name: r, settings: []}]\n", "wants a list of settings"},
      {"rules: [{name: r, settings: [{}]}]\n", "wants a key, such as"},
      {"rules: [{name: r, settings: [{key: memroy.min}]}]\n", "did you mean memory.min?"},
      {"rules: [{name: r, settings: [{key: policy}]}]\n", "no setting that rules speak of"},
      {"rules: [{name: r, settings: [{key: memory.min, maxx: 1}]}]\n", "did you mean max?"},
      {"rules: [{name: r, settings: [{key: memory.min, max: 12 apples}]}]\n", "12 apples"},
      {"rules: [{name: r, settings: [{key: memory.min, max: 1Mi, min: 2Mi}]}]\n", "above its max"},
      {"rules: [{name: r, settings: [{key: 'memory.*', max: 1Mi}]}]\n", "settings of several kinds"},
      {"rules: [{name: r, settings: [{key: io.max, max: '8:0 rbps=1M'}]}]\n", "has no order"},
      {"rules: [{name: r, settings: [{key: cpu.idle, max: true}]}]\n", "use words"},
      {"rules: [{name: r, settings: [{key: memory.min, words: [1Mi]}]}]\n", "use min and max"},
      {"rules: [{name: r, settings: [{key: class, words: [bach]}]}]\n", "did you mean batch?"},
      {"rules: [{name: r, effect: deny, settings: [{key: memory.min}]}]\n", "allow or refuse"},
      {"rules: [{name: r, effect: refuse, settings: [{key: memory.min, max: 1Mi}]}]\n", "takes no max"},
      {"rules: [{name: r, match: {namespace: [a]}, settings: [{key: memory.min}]}]\n",
       "did you mean namespaces?"},
      {"rules: [{name: r, match: {namespaces: []}, settings: [{key: memory.min}]}]\n", "empty list"},
      {"rules: [{name: r, match: {namespaces: a}, settings: [{key: memory.min}]}]\n", "wants a list"},
      {"rules: [{name: r, match: {namespaces: ['a*b']}, settings: [{key: memory.min}]}]\n", "at its end"},
      {"rules: [{name: r, match: {qosClasses: [Bustable]}, settings: [{key: memory.min}]}]\n",
       "did you mean Burstable?"},
      {"rules: [{name: r, match: {podLabels: [a]}, settings: [{key: memory.min}]}]\n", "wants a mapping"},
      {"rules: [{name: r, settings: [{key: memory.min}]}, {name: r, settings: [{key: memory.low}]}]\n",
       "stands above already"},
      {"classes: {Batch: {settings: {}}}\n", "is named with a-z"},
      {"classes: {fast: null}\n", "no built-in class"},
      {"classes: {fast: {}}\n", "wants settings"},
      {"classes: {fast: {settings: {class: batch}}}\n", "is for pods"},
      {"classes: {fast: {settings: {cpu.weight: 0}}}\n", "out of range"},
      {"classes: {fast: {settings: {cpu.weight: 0100}}}\n", "leading zero"},
      {"classes: {fast: {settings: {cpu.weight: [1]}}}\n", "wants a value such as"},
      {"classes: {fast: {settings: {cpu.weight: 5, cpu: {weight: 6}}}}\n", "a second time"},
      {"classes: {fast: {settings: {cpu.weight: 5, cpu.idle: true}}}\n", "keep one of the two"},
      {"api: {allowedUids: [-1]}\n", "allowedUids wants a whole number"},
      {"api: {allowedUids: [4294967295]}\n", "allowedUids wants a whole number"},
      {"api: {maxConnections: 0}\n", "maxConnections wants a whole number"},
      {"metrics: {perPod: {}}\n", "perPod"},
      {"metrics: {perContainer: {enabled: 1}}\n", "enabled wants true or false"},
      {"metrics: {perContainer: {maxContainers: 0}}\n", "maxContainers wants a whole number"},
      {"onError: ignore\nonError: reject\n", "second time"},
      {"defaults: &a {pids.max: 1}\n", "line 3"},
      {"defaultClass: [standard]\n", "wants text, not"},
  };
  for (const Bad& bad : table) EXPECT_THAT(problemsOf(bad.body), HasSubstr(bad.says)) << bad.body;
}

TEST(Config, AnotherKindOrVersionIsNotOurs) {
  auto config = loadNodeConfig("apiVersion: v1\nkind: ConfigMap\n", "n");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message,
            "n:1: apiVersion must be plimsoll.dev/v1alpha1, not \"v1\"\n"
            "n:2: kind must be NodeConfig, not \"ConfigMap\"");
  EXPECT_FALSE(loadNodeConfig("", "n"));
  EXPECT_FALSE(loadNodeConfig(std::string(2 << 20, ' '), "n"));
}

TEST(Config, SeriesOfSingleContainersAreOffAndCappedByDefault) {
  const std::string header = "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n";
  EXPECT_EQ(loadNodeConfig(header, "n").value().metrics, (MetricsConfig{false, 100}));
  EXPECT_EQ(loadNodeConfig(header + "metrics: {perContainer: {enabled: true, maxContainers: 7}}\n", "n")
                .value()
                .metrics,
            (MetricsConfig{true, 7}));
}

TEST(Config, NoTextCrashesTheReader) {
  std::ifstream file(PLIMSOLL_EXAMPLES "/node-config.yaml");
  const std::string example((std::istreambuf_iterator<char>(file)), {});
  ASSERT_GT(example.size(), 1000U);
  // Every truncation: read or refused, never half applied (a result is one or the other) and never a crash.
  size_t refused = 0;
  for (size_t n = 0; n < example.size(); n += 7) {
    if (!loadNodeConfig(example.substr(0, n), "n")) ++refused;
  }
  EXPECT_GT(refused, 0U);
}

TEST(ReadNodeConfig, KeepsTheErrno) {
  char directory[] = "/tmp/plimsoll-config-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  auto missing = readNodeConfig(std::string(directory) + "/none.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().sys_errno, ENOENT);
  EXPECT_THAT(missing.error().message, HasSubstr("none.yaml"));
  auto folder = readNodeConfig(directory);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().sys_errno, EISDIR);
  auto endless = readNodeConfig("/dev/zero");
  ASSERT_FALSE(endless);
  EXPECT_THAT(endless.error().message, HasSubstr("larger than 1 MiB"));
  rmdir(directory);
}

}  // namespace
}  // namespace plimsoll::config
