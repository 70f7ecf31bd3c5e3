#include "pkg/annotation/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::annotation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> lines(const std::vector<Finding>& findings) {
  std::vector<std::string> out;
  for (const Finding& f : findings) {
    out.push_back(std::string(severityName(f.severity)) + " " + f.problem.container + " " +
                  f.problem.message);
  }
  return out;
}

constexpr int64_t kGi = int64_t{1} << 30;

TEST(LintPod, SaysNothingOfASoundPod) {
  EXPECT_THAT(lintPod({.annotations = {{"plimsoll.dev/class", "batch"},
                                       {"app.plimsoll.dev/memory.high", "512Mi"},
                                       {"plimsoll.dev/cpu.weight", "50"}},
                       .containers = {{"app", kGi}}}),
              IsEmpty());
  EXPECT_THAT(lintPod({}), IsEmpty());
}

struct Case {
  model::StringMap annotations;
  std::string finding;
};

TEST(LintPod, WarnsOfWhatWillNotDoWhatItsAuthorHopes) {
  const Case cases[] = {
      {{{"plimsoll.dev/memory.high", "2Gi"}},
       "warning app memory.high: 2Gi is not below the container's memory limit 1Gi, so it never slows "
       "anything "
       "before the kill"},
      {{{"plimsoll.dev/memory.max", "2Gi"}},
       "warning app memory.max: is above the container's memory limit 1Gi, which needs a rule of the node's "
       "owner"},
      {{{"plimsoll.dev/memory.high", "600Mi"}, {"plimsoll.dev/memory.max", "500Mi"}},
       "warning app memory.high: 600Mi is above memory.max 500Mi"},
      {{{"plimsoll.dev/cpu.uclamp.max", "10%"}, {"app.plimsoll.dev/memory.hihg", "1"}},
       "error app \"memory.hihg\" is not a setting; did you mean memory.high?"},
      {{{"ap.plimsoll.dev/cpu.weight", "10"}},
       "error ap the pod has no container named \"ap\"; did you mean app?"},
      {{{"plimsoll.dev/cpuset.mems", "0"}},
       "warning app cpuset.mems: is refused where the node's owner wrote no rule for it: may fill a NUMA "
       "node whose "
       "memory others were promised; on a live container pages are moved"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(lines(lintPod({.annotations = c.annotations, .containers = {{"app", kGi}}})),
                ElementsAre(c.finding));
  }
}

TEST(LintPod, WarnsOfContradictions) {
  const Case cases[] = {
      {{{"plimsoll.dev/cpu.idle", "true"}, {"plimsoll.dev/cpu.weight", "50"}},
       "cpu.weight: has no effect beside cpu.idle: true"},
      {{{"plimsoll.dev/memory.min", "2Mi"}, {"plimsoll.dev/memory.low", "1Mi"}},
       "memory.min: 2Mi is above memory.low 1Mi"},
      {{{"plimsoll.dev/cpu.max", "max"}, {"plimsoll.dev/cpu.max.burst", "1ms"}},
       "cpu.max.burst: has no effect without a limit in cpu.max"},
      {{{"plimsoll.dev/cpu.max", "10m"}, {"plimsoll.dev/cpu.max.burst", "2ms"}},
       "cpu.max.burst: 2ms is above the quota of cpu.max, 1ms in each period"},
      {{{"plimsoll.dev/cpuset.partition", "root"}},
       "cpuset.partition: is valid only together with cpuset.cpus"},
      {{{"plimsoll.dev/cpu.uclamp.min", "50%"}, {"plimsoll.dev/cpu.uclamp.max", "20%"}},
       "cpu.uclamp.min: 50% is above cpu.uclamp.max 20%"},
  };
  for (const Case& c : cases) {
    const auto findings = lines(lintPod({.annotations = c.annotations, .containers = {{"app", {}}}}));
    EXPECT_THAT(findings, ::testing::Contains(HasSubstr(c.finding)));
  }
}

TEST(LintPod, OneFindingForAllContainers) {
  auto findings = lintPod(
      {.annotations = {{"plimsoll.dev/memory.min", "1Mi"}}, .containers = {{"a", {}}, {"b", {}}, {"c", {}}}});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].problem.container, "");
}

constexpr const char* kManifests = R"(apiVersion: v1
kind: Pod
metadata:
  name: plain
  annotations:
    plimsoll.dev/memory.hihg: 1Gi
spec:
  containers:
  - name: app
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations:
    plimsoll.dev/class: batch
    example.com/foreign: x
spec:
  template:
    metadata:
      annotations:
        sidecar.plimsoll.dev/cpu.weight: "50"
        plimsoll.dev/policy: |
          settings:
            cpu.weight: 0
    spec:
      initContainers:
      - name: init
      containers:
      - name: app
        resources: {limits: {memory: 1Gi}}
---
kind: ConfigMap
metadata: {name: other}
---
kind: CronJob
metadata: {name: nightly}
spec:
  jobTemplate:
    spec:
      template:
        metadata:
          annotations: {plimsoll.dev/cpu.weight: 200}
---
kind: List
items:
- kind: Pod
  metadata: {generateName: many-, annotations: {plimsoll.dev/class: ""}}
)";

TEST(LintManifest, FindsPodsInEveryKind) {
  const LintReport report = lintManifest(kManifests);
  EXPECT_EQ(report.objects, 4);
  EXPECT_EQ(report.skipped, 1);
  std::vector<std::string> found;
  for (const Finding& f : report.findings) {
    found.push_back(std::to_string(f.document) + ":" + std::to_string(f.line) + " " + f.kind + "/" + f.ns +
                    "/" + f.name + " " + std::string(severityName(f.severity)) + " " + f.problem.key);
  }
  EXPECT_THAT(found, ElementsAre("1:6 Pod//plain error plimsoll.dev/memory.hihg",
                                 "2:17 Deployment/shop/web warning plimsoll.dev/class",
                                 "2:26 Deployment/shop/web error settings.cpu.weight",
                                 "2:23 Deployment/shop/web error sidecar.plimsoll.dev/cpu.weight",
                                 "4:44 CronJob//nightly error plimsoll.dev/cpu.weight",
                                 "5:49 Pod//many- error plimsoll.dev/class"));
  EXPECT_THAT(report.findings[1].problem.message,
              HasSubstr("stands on the Deployment itself and reaches no pod"));
  EXPECT_THAT(report.findings[4].problem.message, HasSubstr("write it in quotes: \"200\""));
}

TEST(LintManifest, TakesEveryWorkload) {
  for (std::string_view kind :
       {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"}) {
    const auto report =
        lintManifest("kind: " + std::string(kind) +
                     "\nspec: {template: {metadata: {annotations: {plimsoll.dev/x: 'y'}}}}\n");
    EXPECT_EQ(report.findings.size(), 1u) << kind;
    EXPECT_EQ(report.objects, 1) << kind;
  }
}

TEST(LintManifest, TakesJsonAndAnchors) {
  EXPECT_EQ(lintManifest(R"({"kind": "Pod", "metadata": {"annotations": {"plimsoll.dev/cpu.weight": "0"}}})")
                .findings.size(),
            1u);
  const auto anchored = lintManifest(
      "kind: Pod\nmetadata:\n  annotations: &a {plimsoll.dev/cpu.weight: 'x'}\n---\nkind: Pod\nmetadata: "
      "{}\n");
  EXPECT_EQ(anchored.findings.size(), 1u);
}

TEST(LintManifest, TakesLongManifestsUpToTheLimit) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text +=
        "kind: Pod\nmetadata: {name: a, annotations: {plimsoll.dev/class: batch}}\nspec: {containers: "
        "[{name: x}]}\n---\n";
  }
  const LintReport report = lintManifest(text);
  EXPECT_EQ(report.objects, 5000);
  EXPECT_THAT(report.findings, IsEmpty());
  const LintReport cut = lintManifest(text, 1024);
  ASSERT_EQ(cut.findings.size(), 1u);
  EXPECT_THAT(cut.findings[0].problem.message, HasSubstr("at most 1024 are taken"));
}

TEST(LintManifest, SurvivesWhatIsNoManifest) {
  for (std::string_view text : {"[", "a: b: c", "\xff", "kind: Pod\nkind: Pod\n"}) {
    const auto report = lintManifest(text);
    ASSERT_EQ(report.findings.size(), 1u) << text;
    EXPECT_EQ(report.findings[0].severity, Severity::Error);
    EXPECT_FALSE(report.findings[0].problem.message.empty());
  }
  for (std::string_view text :
       {"", "---", "text", "- a", "kind: [Pod]", "kind: Pod", "kind: Pod\nmetadata: 5",
        "kind: Pod\nmetadata: {annotations: [a]}", "kind: List", "kind: List\nitems: {a: b}",
        "kind: Deployment\nspec: {template: 5}", "kind: CronJob\nspec: x",
        "kind: Pod\nmetadata: {annotations: {plimsoll.dev/class: 'batch'}}\nspec: {containers: x}"}) {
    EXPECT_THAT(lintManifest(text).findings, IsEmpty()) << text;
  }
  EXPECT_EQ(lintManifest("kind: Pod\nmetadata: {annotations: {plimsoll.dev/class: [a]}}").findings.size(),
            1u);
}

}  // namespace
}  // namespace plimsoll::annotation
