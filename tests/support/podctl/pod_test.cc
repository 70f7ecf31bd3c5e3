#include "tests/support/podctl/pod.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::podctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr char kFull[] = R"(apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  uid: 11111111-1111-4111-8111-111111111111
  labels: {app: web}
  annotations: {plimsoll.dev/class: batch}
spec:
  hostPID: true
  terminationGracePeriodSeconds: 5
  securityContext:
    sysctls: [{name: net.core.somaxconn, value: "64"}]
  containers:
  - name: main
    image: plimsoll.test/busybox:1
    command: [sh, -c]
    args: ["sleep 1"]
    env: [{name: A, value: b}]
    resources:
      requests: {cpu: 250m}
      limits: {cpu: "1", memory: 64Mi, hugepages-2Mi: 4Mi}
    securityContext:
      readOnlyRootFilesystem: true
      capabilities: {add: [SYS_RESOURCE], drop: [ALL]}
      allowPrivilegeEscalation: false
      seccompProfile: {type: Localhost, localhostProfile: /etc/agent.json}
    volumeMounts:
    - {name: data, mountPath: /data, readOnly: true}
  volumes:
  - name: data
    hostPath: {path: /srv}
)";

TEST(ParsePods, ReadsEveryField) {
  auto pods = parsePods(kFull);
  ASSERT_TRUE(pods) << pods.error().message;
  ASSERT_EQ(pods->size(), 1u);
  const PodSpec& pod = pods->front();
  EXPECT_EQ(pod.name, "web");
  EXPECT_EQ(pod.name_space, "shop");
  EXPECT_EQ(pod.uid, "11111111-1111-4111-8111-111111111111");
  EXPECT_THAT(pod.labels, ElementsAre(Pair("app", "web")));
  EXPECT_THAT(pod.annotations, ElementsAre(Pair("plimsoll.dev/class", "batch")));
  EXPECT_TRUE(pod.host_pid);
  EXPECT_FALSE(pod.host_network);
  EXPECT_EQ(pod.grace_seconds, 5);
  EXPECT_THAT(pod.sysctls, ElementsAre(Pair("net.core.somaxconn", "64")));
  ASSERT_EQ(pod.containers.size(), 1u);
  const ContainerSpec& c = pod.containers[0];
  EXPECT_THAT(c.command, ElementsAre("sh", "-c"));
  EXPECT_THAT(c.args, ElementsAre("sleep 1"));
  EXPECT_THAT(c.env, ElementsAre(Pair("A", "b")));
  EXPECT_EQ(c.requests.milli_cpu, 250);
  EXPECT_EQ(c.limits.milli_cpu, 1000);
  EXPECT_EQ(c.requests.memory, 64 << 20) << "a limit without a request is the request";
  EXPECT_THAT(c.limits.hugepages, ElementsAre(Pair("2MB", 4 << 20)));
  EXPECT_TRUE(c.read_only_root);
  EXPECT_THAT(c.add_capabilities, ElementsAre("SYS_RESOURCE"));
  EXPECT_THAT(c.drop_capabilities, ElementsAre("ALL"));
  EXPECT_TRUE(c.no_new_privileges);
  EXPECT_EQ(c.seccomp_profile, "/etc/agent.json");
  ASSERT_EQ(c.mounts.size(), 1u);
  EXPECT_EQ(c.mounts[0].host_path, "/srv");
  EXPECT_EQ(c.mounts[0].mount_path, "/data");
  EXPECT_TRUE(c.mounts[0].read_only);
}

TEST(ParsePods, ReadsSeveralDocumentsAndMakesUpStableUids) {
  const std::string one = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i}]}\n";
  const std::string two = "kind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: c, image: i}]}\n";
  auto pods = parsePods(one + "---\n" + two);
  ASSERT_TRUE(pods) << pods.error().message;
  ASSERT_EQ(pods->size(), 2u);
  EXPECT_EQ((*pods)[0].name_space, "default");
  EXPECT_EQ((*pods)[0].uid.size(), 36u);
  EXPECT_NE((*pods)[0].uid, (*pods)[1].uid);
  EXPECT_EQ((*pods)[0].uid, parsePods(one)->front().uid);
}

TEST(ParsePods, RefusesWithTheFieldsName) {
  struct Case {
    const char* yaml;
    const char* says;
  };
  const Case cases[] = {
      {"", "no pod"},
      {"kind: [", "document"},
      {"kind: Deployment\nmetadata: {name: a}\nspec: {}", "only Pod"},
      {"kind: Pod\nspec: {containers: []}", "metadata.name"},
      {"kind: Pod\nmetadata: {name: a}", "spec: is missing"},
      {"kind: Pod\nmetadata: {name: a}\nspec: {containers: []}", "no containers"},
      {"kind: Pod\nmetadata: {name: a}\nspec: {contianers: []}", "contianers"},
      {"kind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: i}]}", "no name"},
      {"kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c}]}", "no image"},
      {"kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i, resources: {limits: {cpu: "
       "x}}}]}",
       "limits.cpu: \"x\""},
      {"kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i, resources: {limits: {gpu: "
       "1}}}]}",
       "limits.gpu"},
      {"kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i, volumeMounts: [{name: v, "
       "mountPath: /v}]}]}",
       "no volume is named \"v\""},
      {"kind: Pod\nmetadata: {name: a}\nspec: {volumes: [{name: v, emptyDir: {}}], containers: []}",
       "emptyDir"},
      {"just text", "not a mapping"},
  };
  for (const Case& c : cases) {
    auto pods = parsePods(c.yaml);
    ASSERT_FALSE(pods) << c.yaml;
    EXPECT_THAT(pods.error().message, HasSubstr(c.says)) << c.yaml;
  }
}

}  // namespace
}  // namespace plimsoll::podctl
