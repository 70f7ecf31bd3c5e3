#include "pkg/annotation/annotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/annotation/strict_yaml.h"

namespace plimsoll::annotation {
namespace {

using model::SourceKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Every wish as "scope key=value (kind)", so that a pod is one expectation.
std::vector<std::string> wishes(const model::PodIntent& intent) {
  std::vector<std::string> lines;
  const auto add = [&lines](const std::string& scope, const model::ScopeIntent& wishes) {
    if (wishes.class_name) lines.push_back(scope + " class=" + *wishes.class_name);
    if (wishes.on_error)
      lines.push_back(scope + (*wishes.on_error == model::OnError::Reject ? " reject" : " ignore"));
    for (const model::Request& r : wishes.requests) {
      lines.push_back(scope + " " + r.setting.key + "=" + formatValue(*r.setting.spec, r.value));
    }
  };
  add("pod", intent.pod);
  for (const auto& [name, scope] : intent.containers) add(name, scope);
  return lines;
}

std::string onlyMessage(const model::PodIntent& intent) {
  if (intent.problems.size() != 1) return std::to_string(intent.problems.size()) + " problems";
  return intent.problems.front().message;
}

TEST(ParsePod, ReadsSingleSettings) {
  auto intent = parsePod({{"plimsoll.dev/cpu.weight", "200"},
                          {"plimsoll.dev/class", "batch"},
                          {"plimsoll.dev/on-error", "reject"},
                          {"app.plimsoll.dev/memory.high", "512Mi"},
                          {"app.plimsoll.dev/class", "latency-critical"},
                          {"plimsoll", "x"}});
  EXPECT_THAT(wishes(intent), ElementsAre("pod class=batch", "pod reject", "pod cpu.weight=200",
                                          "app class=latency-critical", "app memory.high=512Mi"));
  EXPECT_THAT(intent.problems, IsEmpty());
  const model::Request& request = intent.containers.at("app").requests.front();
  EXPECT_EQ(request.raw, "512Mi");
  EXPECT_EQ(request.source.kind, SourceKind::ContainerAnnotation);
  EXPECT_EQ(request.source.where, "app.plimsoll.dev/memory.high");
}

TEST(ParsePod, NamespacesAreThePods) {
  auto good = parsePod({{"plimsoll.dev/sysctl.net.core.somaxconn", "4096"},
                        {"plimsoll.dev/policy",
                         "settings: {sysctl.net/ipv4/ip_forward: 1, sysctl: {net.ipv4: "
                         "{conf.all.forwarding: 1}}}"},
                        {"plimsoll.dev/net.mtu", "1400"},
                        {"app.plimsoll.dev/sched.policy", "batch"}});
  EXPECT_THAT(wishes(good),
              ElementsAre("pod net.mtu=1400", "pod sysctl.net.core.somaxconn=4096",
                          "pod sysctl.net.ipv4.ip_forward=1", "pod sysctl.net.ipv4.conf.all.forwarding=1",
                          "app sched.policy=batch"));
  EXPECT_THAT(good.problems, IsEmpty());
  EXPECT_EQ(onlyMessage(parsePod({{"app.plimsoll.dev/sysctl.net.core.somaxconn", "4096"}})),
            "a pod has one network namespace for all its containers; write "
            "plimsoll.dev/sysctl.net.core.somaxconn");
  EXPECT_EQ(onlyMessage(parsePod({{"plimsoll.dev/sysctl.kernel.core_pattern", "|/bin/sh"}})),
            "kernel.core_pattern is the whole node's and no pod's; only sysctls of the network and IPC "
            "namespace can be set");
}

TEST(ParsePod, PodWideRatesAreThePods) {
  auto intent = parsePod({{"plimsoll.dev/net.egress.rate", "100M"},
                          {"plimsoll.dev/net.priority", "high"},
                          {"plimsoll.dev/policy", "settings: {net.ingress.rate: 1G}\n"},
                          {"app.plimsoll.dev/net.egress.rate", "10M"}});
  EXPECT_THAT(wishes(intent), ElementsAre("pod net.pod.egress.rate=100M", "pod net.priority=high",
                                          "pod net.pod.ingress.rate=1G", "app net.egress.rate=10M"));
  EXPECT_THAT(intent.problems, IsEmpty());
  EXPECT_EQ(intent.pod.requests.front().source.where, "plimsoll.dev/net.egress.rate");
  EXPECT_EQ(onlyMessage(parsePod({{"app.plimsoll.dev/net.pod.egress.rate", "10M"}})),
            "this is of the pod's containers together; write plimsoll.dev/net.pod.egress.rate");
  EXPECT_EQ(onlyMessage(parsePod(
                {{"plimsoll.dev/net.egress.rate", "10M"}, {"plimsoll.dev/net.pod.egress.rate", "20M"}})),
            "given twice: \"10M\" in plimsoll.dev/net.egress.rate, which counts, and \"20M\" here");
}

TEST(ParsePod, ReadsTheBandwidthOfKubernetes) {
  auto intent = parsePod({{"kubernetes.io/egress-bandwidth", "10M"},
                          {"kubernetes.io/ingress-bandwidth", "1G"},
                          {"plimsoll.dev/net.egress.rate", "20M"}});
  EXPECT_THAT(wishes(intent), ElementsAre("pod net.pod.egress.rate=10M", "pod net.pod.ingress.rate=1G",
                                          "pod net.pod.egress.rate=20M"));
  EXPECT_THAT(intent.problems, IsEmpty()) << "ours is the more specific";
  EXPECT_EQ(intent.pod.requests[0].source.kind, SourceKind::ForeignAnnotation);
  EXPECT_EQ(intent.pod.requests[0].source.where, "kubernetes.io/egress-bandwidth");
  const auto merged = mergedRequests(intent, "app");
  EXPECT_EQ(merged.front()->raw, "20M");
  auto wrong = parsePod({{"kubernetes.io/egress-bandwidth", "ten"}});
  EXPECT_EQ(wrong.problems.front().key, "kubernetes.io/egress-bandwidth");
}

TEST(ParsePod, LeavesForeignAnnotationsAlone) {
  auto intent = parsePod({{"", ""},
                          {"/", "x"},
                          {"//", "x"},
                          {"kubectl.kubernetes.io/last-applied-configuration", std::string(256 * 1024, '{')},
                          {"example.com/cpu.weight", "200"},
                          {"notplimsoll.dev/cpu.weight", "x"},
                          {"plimsoll.dev.example.com/cpu.weight", "x"},
                          {"prometheus.io/scrape", "true"},
                          {"cpu.weight", "1"}});
  EXPECT_TRUE(intent.empty());
}

TEST(ParsePod, ReadsPolicyDocuments) {
  auto intent =
      parsePod({{"plimsoll.dev/policy",
                 "class: batch\non-error: ignore\nsettings:\n  cpu.weight: 50\n  memory:\n    high: 1Gi\n"
                 "    oom: {group: true}\ncontainers:\n  app:\n    class: latency-critical\n"
                 "    settings: {pids.max: 100, cpu: {max: 2}}\n  idle:\n"}});
  EXPECT_THAT(wishes(intent), ElementsAre("pod class=batch", "pod ignore", "pod cpu.weight=50",
                                          "pod memory.high=1Gi", "pod memory.oom.group=true",
                                          "app class=latency-critical", "app pids.max=100", "app cpu.max=2"));
  EXPECT_THAT(intent.problems, IsEmpty());
  EXPECT_EQ(intent.pod.requests[1].source.where, "plimsoll.dev/policy:6");
  EXPECT_EQ(intent.pod.requests[1].source.kind, SourceKind::PodPolicy);
  EXPECT_EQ(intent.containers.at("app").requests[0].source.kind, SourceKind::ContainerPolicy);
}

TEST(ParsePod, ReadsAContainersOwnDocument) {
  auto intent = parsePod({{"app.plimsoll.dev/policy", "settings: {cpu.weight: 50}\n"}});
  EXPECT_THAT(wishes(intent), ElementsAre("app cpu.weight=50"));
  EXPECT_EQ(intent.containers.at("app").requests[0].source.where, "app.plimsoll.dev/policy:1");
}

struct BadAnnotation {
  std::string key, value, message, suggestion = {};
};

TEST(ParsePod, TellsWhatIsWrong) {
  const BadAnnotation cases[] = {
      {"plimsoll.dev/memory.high", "512mb",
       "memory.high: \"512mb\" is not a quantity; write 512Mi, 512M or max"},
      {"plimsoll.dev/memory.hihg", "1Gi", "\"memory.hihg\" is not a setting; did you mean memory.high?",
       "memory.high"},
      {"plimsoll.dev/foobarbaz", "1", "\"foobarbaz\" is not a setting; docs/annotations.md lists them all"},
      {"plimsoll.dev/", "1", "a setting's name is missing"},
      {"plimsoll.dev/cpu.weight", "", "cpu.weight: is empty; write a value such as 200"},
      {"plimsoll.dev/cpu.weight", "010", "cpu.weight: \"010\" has a leading zero"},
      {"plimsoll.dev/cpu.weight", "\xff\xfe",
       "cpu.weight: the value is not valid UTF-8 text; write a value such as 200"},
      {"plimsoll.dev/cpu.weight", std::string(256 * 1024, '9'), "has 262144 bytes, more than 256"},
      {"App.plimsoll.dev/cpu.weight", "1",
       "\"App\" cannot be a container's name; write <container>.plimsoll.dev/"},
      {"a.b.plimsoll.dev/cpu.weight", "1", "\"a.b\" cannot be a container's name"},
      {"-.plimsoll.dev/cpu.weight", "1", "\"-\" cannot be a container's name"},
      {"plimsol.dev/cpu.weight", "1", "the domain \"plimsol.dev\" looks like a slip",
       "plimsoll.dev/cpu.weight"},
      {"plimsoll.io/cpu.weight", "1", "the domain \"plimsoll.io\" looks like a slip",
       "plimsoll.dev/cpu.weight"},
      {"app.pilmsoll.dev/cpu.weight", "1", "\"pilmsoll.dev\" looks like a slip",
       "app.plimsoll.dev/cpu.weight"},
      {"plimsoll/cpu.weight", "1", "\"plimsoll\" looks like a slip", "plimsoll.dev/cpu.weight"},
      {"plimsoll.dev/class", "", "class: is empty"},
      {"plimsoll.dev/on-error", "fail", "on-error: \"fail\" is not known here; write ignore or reject"},
  };
  for (const BadAnnotation& c : cases) {
    SCOPED_TRACE(c.key);
    auto intent = parsePod({{c.key, c.value}});
    EXPECT_THAT(wishes(intent), IsEmpty());
    ASSERT_THAT(onlyMessage(intent), HasSubstr(c.message));
    const model::Problem& problem = intent.problems.front();
    EXPECT_EQ(problem.key, c.key);
    EXPECT_EQ(problem.suggestion, c.suggestion);
    EXPECT_LE(problem.value.size(), 256u + 3);
    EXPECT_TRUE(yaml::isUtf8(problem.value));
    EXPECT_TRUE(yaml::isUtf8(problem.message));
  }
}

TEST(ParsePod, TellsWhatIsWrongInDocuments) {
  struct Case {
    std::string document, message, where;
  };
  const Case cases[] = {
      {"settings:\n  cpu.weight: 200\n  cpu.weight: 300\n",
       "policy: line 3: the key cpu.weight stands here a second time (first in line 2)",
       "plimsoll.dev/policy"},
      {"settings:\n  cpu.weight: 010\n", "cpu.weight: \"010\" has a leading zero", "plimsoll.dev/policy:2"},
      {"settings: {cpu.weight: &a 1}\n", "policy: line 1: anchors", "plimsoll.dev/policy"},
      {"a: &a [x]\nb: [*a, *a]\n", "policy: line 1: anchors", "plimsoll.dev/policy"},
      {"settings: [1]\n", "settings: has a list where a value such as cpu.weight: 200",
       "plimsoll.dev/policy:1"},
      {"settings: 5\n", "settings: has text where a value such as", "plimsoll.dev/policy:1"},
      {"settings:\n  cpu.weight:\n", "settings.cpu.weight: has nothing where a value",
       "plimsoll.dev/policy:2"},
      {"settings:\n  cpu: {weight: [1]}\n", "settings.cpu.weight: has a list", "plimsoll.dev/policy:2"},
      {"settings:\n  cpu: {wieght: 1}\n", "\"cpu.wieght\" is not a setting; did you mean cpu.weight?",
       "plimsoll.dev/policy:2"},
      {"settings: {class: batch}\n", "settings.class: stands beside settings", "plimsoll.dev/policy:1"},
      {"setings: {}\n",
       "setings: \"setings\" is not a key of the document; write class, on-error, settings or "
       "containers",
       "plimsoll.dev/policy:1"},
      {"cpu.weight: 5\n", "cpu.weight: \"cpu.weight\" stands under settings:", "plimsoll.dev/policy:1"},
      {"class: [a]\n", "class: has a list where a word should stand", "plimsoll.dev/policy:1"},
      {"class:\n", "class: has nothing where a word should stand", "plimsoll.dev/policy:1"},
      {"just text\n", "the document is text; write a mapping", "plimsoll.dev/policy:1"},
      {"- a\n", "the document is a list; write a mapping", "plimsoll.dev/policy:1"},
      {"a: b\n---\nc: d\n", "a second document starts here", "plimsoll.dev/policy"},
      {"containers: [app]\n", "containers: has a list where a mapping", "plimsoll.dev/policy:1"},
      {"containers:\n  App: {}\n", "containers.App: \"App\" cannot be a container's name",
       "plimsoll.dev/policy:2"},
      {"containers:\n  app: 5\n", "containers.app: write a mapping with class", "plimsoll.dev/policy:2"},
      {"containers:\n  app:\n    containers: {}\n", "containers stands only at the top",
       "plimsoll.dev/policy:3"},
      {"settings:\n  cpu.weight: 1\n  cpu: {weight: 2}\n",
       "given twice: \"1\" in plimsoll.dev/policy:2, which counts, and \"2\" here", "plimsoll.dev/policy:3"},
      {std::string(64 * 1024 + 1, ' '), "policy: the document has 65537 bytes; at most 65536 are taken",
       "plimsoll.dev/policy"},
      {"\xff", "policy: the document is not valid UTF-8 text", "plimsoll.dev/policy"},
      {"settings: {policy: x}", "stands beside settings", "plimsoll.dev/policy:1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.document.substr(0, 80));
    auto intent = parsePod({{"plimsoll.dev/policy", c.document}});
    ASSERT_THAT(onlyMessage(intent), HasSubstr(c.message));
    EXPECT_EQ(intent.problems.front().source.where, c.where);
  }
}

TEST(ParsePod, AContainersDocumentHasNoContainers) {
  auto intent = parsePod({{"app.plimsoll.dev/policy", "containers: {x: {}}\n"}});
  EXPECT_THAT(onlyMessage(intent), HasSubstr("containers stands only at the top"));
  EXPECT_EQ(intent.problems.front().container, "app");
}

TEST(ParsePod, TheAnnotationCountsOverTheDocument) {
  auto intent = parsePod(
      {{"plimsoll.dev/cpu.weight", "200"},
       {"plimsoll.dev/class", "batch"},
       {"plimsoll.dev/memory.high", "1Gi"},
       {"plimsoll.dev/policy", "class: standard\nsettings: {cpu.weight: 300, memory.high: 1024Mi}\n"}});
  EXPECT_THAT(wishes(intent), ElementsAre("pod class=batch", "pod cpu.weight=200", "pod memory.high=1Gi"));
  ASSERT_EQ(intent.problems.size(), 2u) << "the same value twice is no problem";
  EXPECT_EQ(intent.problems[0].message,
            "given twice: \"batch\" in plimsoll.dev/class, which counts, and \"standard\" here");
  EXPECT_EQ(intent.problems[1].message,
            "given twice: \"200\" in plimsoll.dev/cpu.weight, which counts, and \"300\" here");
  EXPECT_EQ(intent.problems[1].source.where, "plimsoll.dev/policy:2");
}

TEST(ParsePod, PodWideAndContainerMayDiffer) {
  auto intent = parsePod({{"plimsoll.dev/cpu.weight", "200"}, {"app.plimsoll.dev/cpu.weight", "300"}});
  EXPECT_THAT(intent.problems, IsEmpty());
  EXPECT_THAT(wishes(intent), ElementsAre("pod cpu.weight=200", "app cpu.weight=300"));
}

TEST(ParsePod, ProblemsAreBounded) {
  model::StringMap annotations;
  for (int i = 0; i < 5000; ++i) annotations["plimsoll.dev/memory.hihg" + std::to_string(i)] = "1";
  auto intent = parsePod(annotations);
  ASSERT_EQ(intent.problems.size(), kMostProblems + 1);
  EXPECT_EQ(intent.problems.back().message, "4936 more problems are not listed");

  std::string document = "settings:\n";
  for (int i = 0; i < 4000; ++i) document += "  x" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(parsePod({{"plimsoll.dev/policy", document}}).problems.size(), kMostProblems + 1);
}

TEST(ParsePod, AnyBytesAreSurvivedAndReportedAsText) {
  uint64_t state = 7;
  for (int i = 0; i < 2000; ++i) {
    std::string noise;
    for (int j = 0; j < 40; ++j) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      noise += static_cast<char>(state >> 56);
    }
    auto intent = parsePod({{"plimsoll.dev/" + noise, noise},
                            {noise + ".plimsoll.dev/cpu.weight", noise},
                            {"plimsoll.dev/io.max", noise},
                            {"plimsoll.dev/policy", noise}});
    EXPECT_THAT(wishes(intent), IsEmpty());
    for (const auto& problem : intent.problems) {
      for (const std::string* text : {&problem.container, &problem.key, &problem.value, &problem.message,
                                      &problem.suggestion, &problem.source.where}) {
        ASSERT_TRUE(yaml::isUtf8(*text));
        ASSERT_EQ(text->find('\0'), std::string::npos);
      }
    }
  }
}

TEST(MergedRequests, PutsTheMostSpecificFirst) {
  auto intent = parsePod({{"app.plimsoll.dev/cpu.weight", "1"},
                          {"plimsoll.dev/cpu.weight", "3"},
                          {"plimsoll.dev/pids.max", "5"},
                          {"other.plimsoll.dev/pids.max", "9"},
                          {"plimsoll.dev/policy",
                           "settings: {cpu.idle: true}\ncontainers: {app: {settings: {pids.max: 6}}}\n"}});
  std::vector<std::string> order;
  for (const model::Request* r : mergedRequests(intent, "app"))
    order.push_back(r->setting.key + "=" + r->raw);
  EXPECT_THAT(order,
              ElementsAre("cpu.idle=true", "cpu.weight=1", "cpu.weight=3", "pids.max=6", "pids.max=5"));
  EXPECT_EQ(mergedRequests(intent, "third").size(), 3u);
  EXPECT_THAT(mergedRequests({}, "app"), IsEmpty());
}

TEST(Steering, TheContainersCountsOverThePods) {
  auto intent = parsePod({{"plimsoll.dev/class", "batch"},
                          {"app.plimsoll.dev/class", "standard"},
                          {"app.plimsoll.dev/on-error", "reject"}});
  EXPECT_EQ(className(intent, "app"), "standard");
  EXPECT_EQ(className(intent, "other"), "batch");
  EXPECT_EQ(className({}, "app"), std::nullopt);
  EXPECT_EQ(onError(intent, "app"), model::OnError::Reject);
  EXPECT_EQ(onError(intent, "other"), std::nullopt);
}

TEST(UnknownContainers, NamesTheNearest) {
  auto intent = parsePod({{"apps.plimsoll.dev/cpu.weight", "1"},
                          {"app.plimsoll.dev/cpu.weight", "1"},
                          {"nowhere.plimsoll.dev/class", "batch"}});
  auto problems = unknownContainers(intent, {"app", "sidecar"});
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].message, "the pod has no container named \"apps\"; did you mean app?");
  EXPECT_EQ(problems[0].suggestion, "app");
  EXPECT_EQ(problems[0].key, "apps.plimsoll.dev/cpu.weight");
  EXPECT_EQ(problems[1].message, "the pod has no container named \"nowhere\"");
  EXPECT_EQ(problems[1].key, "nowhere.plimsoll.dev/class");
}

}  // namespace
}  // namespace plimsoll::annotation
