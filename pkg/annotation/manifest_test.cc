#include "pkg/annotation/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::annotation {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr size_t kEnough = 1 << 20;

TEST(PodsOf, ReadsWorkloadsPodsAndLists) {
  const auto pods = podsOf(R"(
kind: Service
metadata: {name: s}
---
kind: Deployment
metadata: {name: web, namespace: shop, labels: {on: workload}}
spec:
  template:
    metadata: {annotations: {plimsoll.dev/cpu.weight: "200"}, labels: {app: web}}
    spec:
      serviceAccountName: web
      hostNetwork: true
      initContainers: [{name: init}]
      containers:
      - name: app
        resources: {requests: {cpu: 250m}, limits: {memory: 64Mi, cpu: "1"}}
---
kind: List
items:
- {kind: Pod, metadata: {generateName: job-}, spec: {containers: [{name: a}, {image: nameless}]}}
- {kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: b}]}}}}}}
)",
                           kEnough);
  ASSERT_TRUE(pods) << pods.error().message;
  ASSERT_EQ(pods->size(), 3u);
  const ManifestPod& web = (*pods)[0];
  EXPECT_EQ(web.kind + "/" + web.pod.ns + "/" + web.pod.name, "Deployment/shop/web");
  EXPECT_THAT(web.pod.annotations, UnorderedElementsAre(Pair("plimsoll.dev/cpu.weight", "200")));
  EXPECT_THAT(web.pod.labels, UnorderedElementsAre(Pair("app", "web"))) << "the pod's, not the workload's";
  EXPECT_EQ(web.pod.service_account, "web");
  EXPECT_TRUE(web.pod.host_network);
  EXPECT_EQ(web.pod.qos, model::QosClass::Burstable);
  ASSERT_EQ(web.containers.size(), 2u);
  EXPECT_EQ(web.containers[0].name, "init");
  EXPECT_EQ(web.containers[0].base.cpu_shares, 2u);
  EXPECT_FALSE(web.containers[0].base.cpu_quota_us);
  const model::BaseResources& app = web.containers[1].base;
  EXPECT_EQ(app.cpu_shares, 256u);
  EXPECT_EQ(app.cpu_quota_us, 100'000);
  EXPECT_EQ(app.memory_limit, 64 << 20);
  EXPECT_EQ((*pods)[1].pod.name, "job-");
  EXPECT_EQ((*pods)[1].containers.size(), 1u);
  EXPECT_EQ((*pods)[1].pod.service_account, "default");
  EXPECT_EQ((*pods)[2].kind, "CronJob");
}

TEST(PodsOf, GivesTheQosClassThatKubernetesGives) {
  const auto qos = [](const std::string& resources) {
    return podsOf("{kind: Pod, spec: {containers: [{name: a, resources: " + resources + "}]}}", kEnough)
        ->front()
        .pod.qos;
  };
  EXPECT_EQ(qos("{}"), model::QosClass::BestEffort);
  EXPECT_EQ(qos("{limits: {cpu: 1, memory: 1Gi}}"), model::QosClass::Guaranteed);
  EXPECT_EQ(qos("{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1000m}}"), model::QosClass::Guaranteed);
  EXPECT_EQ(qos("{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}"), model::QosClass::Burstable);
  EXPECT_EQ(qos("{limits: {memory: 1Gi}}"), model::QosClass::Burstable);
  EXPECT_EQ(qos("{requests: {cpu: much}}"), model::QosClass::BestEffort) << "unknown is nothing";
}

TEST(PodsOf, RefusesWhatIsNoManifest) {
  EXPECT_FALSE(podsOf("a: [", kEnough));
  EXPECT_FALSE(podsOf(std::string(200, ' ') + "a: 1", 100));
  EXPECT_EQ(podsOf("", kEnough)->size(), 0u);
  EXPECT_EQ(podsOf("just text", kEnough)->size(), 0u);
  EXPECT_EQ(podsOf("{kind: Pod, spec: [1]}", kEnough)->size(), 1u) << "a pod without containers";
  EXPECT_EQ(podsOf("{kind: Deployment}", kEnough)->size(), 0u);
  std::string nested = "{kind: Pod, spec: {containers: [{name: a}]}}";
  for (int i = 0; i < 9; ++i) nested = "{kind: List, items: [" + nested + "]}";
  EXPECT_EQ(podsOf(nested, kEnough)->size(), 0u);
}

}  // namespace
}  // namespace plimsoll::annotation
