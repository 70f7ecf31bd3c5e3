#include "pkg/cri/facts.h"

#include <gtest/gtest.h>

namespace plimsoll::cri {
namespace {

api::ContainerStatusResponse statusWith(const std::string& json) {
  api::ContainerStatusResponse status;
  status.mutable_status()->set_state(api::CONTAINER_RUNNING);
  (*status.mutable_info())["info"] = json;
  return status;
}

TEST(Facts, AListedContainersTimesAreNanosecondsSince1970) {
  api::Container container;
  container.set_id("c1");
  container.mutable_metadata()->set_name("app");
  container.set_pod_sandbox_id("p1");
  container.set_state(api::CONTAINER_RUNNING);
  container.set_created_at(1'700'000'000'123'456'789);
  ListedContainer listed = containerFacts(container);
  EXPECT_EQ(listed.facts.state, model::ContainerState::Running);
  EXPECT_EQ(listed.facts.sandbox_id, "p1");
  EXPECT_EQ(std::chrono::nanoseconds(listed.created.time_since_epoch()).count(), 1'700'000'000'123'456'789);
}

// What cannot be read is unknown, and nothing of it is an exception.
TEST(Facts, AStatusOfAnyShapeIsReadAsFarAsItGoes) {
  for (const char* text :
       {"", "{", "[]", "null", "\"x\"", "{\"pid\":\"4711\"}", "{\"pid\":1e99}", "{\"runtimeSpec\":[]}",
        "{\"runtimeSpec\":{\"linux\":{\"cgroupsPath\":7,\"resources\":{\"cpu\":[],\"unified\":7}},\"mounts\":"
        "{}}}",
        "{\"runtimeSpec\":{\"mounts\":[7,null,{\"source\":[]}]}}"}) {
    model::ContainerFacts facts;
    addContainerStatus(facts, statusWith(text));
    EXPECT_EQ(facts.pid, 0) << text;
    EXPECT_EQ(facts.cgroups_path, "") << text;
    EXPECT_FALSE(facts.base.cpu_shares) << text;
    model::PodFacts pod;
    api::PodSandboxStatusResponse status;
    (*status.mutable_info())["info"] = text;
    addPodStatus(pod, status);
    EXPECT_EQ(pod.cgroup_parent, "") << text;
    EXPECT_FALSE(pod.host_network) << text;
  }
}

TEST(Facts, ZeroIsNotUnknown) {
  model::ContainerFacts facts;
  addContainerStatus(facts, statusWith(R"({"runtimeSpec":{"linux":{"resources":{"cpu":{"shares":0}}}}})"));
  EXPECT_EQ(facts.base.cpu_shares, 0u);
  EXPECT_FALSE(facts.base.cpu_quota_us);
}

TEST(Facts, CriosPodShowsItsParentAmongTheAnnotations) {
  api::PodSandboxStatusResponse status;
  (*status.mutable_info())["info"] =
      R"({"runtimeSpec":{"annotations":{"io.kubernetes.cri-o.CgroupParent":"kubepods-pod1.slice"},)"
      R"("linux":{"namespaces":[{"type":"ipc"}]}}})";
  model::PodFacts facts;
  addPodStatus(facts, status);
  EXPECT_EQ(facts.cgroup_parent, "kubepods-pod1.slice");
  EXPECT_TRUE(facts.host_network);
}

}  // namespace
}  // namespace plimsoll::cri
