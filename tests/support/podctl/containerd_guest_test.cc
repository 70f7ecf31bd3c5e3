// Runs inside the virtual machine: proves that our CRI messages are the real containerd's, and that podctl
// does to cgroups what a kubelet does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/podctl/pods.h"

namespace plimsoll::podctl {
namespace {

using testing::HasSubstr;

std::string readFile(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  std::string out = text.str();
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

PodSpec parse(const std::string& yaml) {
  auto pods = parsePods(yaml);
  if (!pods) {
    ADD_FAILURE() << pods.error().message;
    return {};
  }
  return pods->front();
}

class Containerd : public testing::Test {
 protected:
  void SetUp() override {
    auto client = Client::connect(kContainerdSocket);
    ASSERT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
    pods_.emplace(*client_);
  }

  void TearDown() override {
    if (!client_) return;
    const auto left = client_->sandboxes();
    ASSERT_TRUE(left) << left.error().message;
    for (const auto& pod : *left) {
      auto removed = pods_->remove(pod, 0);
      EXPECT_TRUE(removed) << removed.error().message;
    }
    EXPECT_TRUE(client_->containers()->empty());
  }

  StartedPod run(const PodSpec& pod) {
    auto started = pods_->run(pod);
    if (!started) {
      ADD_FAILURE() << started.error().message;
      return {};
    }
    for (const auto& c : started->containers) EXPECT_FALSE(c.error) << c.name << ": " << c.error->message;
    return *started;
  }

  std::unique_ptr<Client> client_;
  std::optional<Pods> pods_;
};

constexpr char kBurstable[] = R"(kind: Pod
metadata: {name: web, namespace: shop, annotations: {example.org/note: hello}}
spec:
  hostNetwork: true
  containers:
  - name: main
    image: plimsoll.test/busybox:1
    command: [sh, -c]
    args: ["echo memory.max=$(cat /sys/fs/cgroup/memory.max) A=$A; exec sleep 3600"]
    env: [{name: A, value: b}]
    resources:
      requests: {cpu: 100m, memory: 32Mi}
      limits: {cpu: 500m, memory: 64Mi}
)";

TEST_F(Containerd, AnswersAndIsReady) {
  auto version = client_->version();
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->name, "containerd");
  EXPECT_EQ(version->api_version, "v1");
  EXPECT_EQ(client_->complaints().value(), "");
}

TEST_F(Containerd, RunsAPodUnderTheKubeletsCgroups) {
  const StartedPod pod = run(parse(kBurstable));
  ASSERT_EQ(pod.containers.size(), 1u);
  const std::string directory = "/sys/fs/cgroup" + pod.cgroup;
  EXPECT_EQ(readFile(directory + "/memory.max"), "67108864");
  EXPECT_EQ(readFile(directory + "/cpu.max"), "50000 100000");
  EXPECT_EQ(readFile(directory + "/cpu.weight"), "4");
  const std::string container = directory + "/" + pod.containers[0].id;
  EXPECT_EQ(readFile(container + "/memory.max"), "67108864");
  EXPECT_EQ(readFile(container + "/memory.swap.max"), "0");
  EXPECT_EQ(readFile(container + "/memory.oom.group"), "1");
  EXPECT_EQ(readFile(container + "/cpu.max"), "50000 100000");
  EXPECT_TRUE(std::filesystem::exists(directory + "/" + pod.sandbox_id));

  auto detail = pods_->waitFor(pod.containers[0].id, ContainerState::Running, std::chrono::seconds(10));
  ASSERT_TRUE(detail) << detail.error().message;
  EXPECT_EQ(detail->limits.cpu_quota_us, 50000);
  EXPECT_EQ(detail->limits.memory_bytes, 64 << 20);
  EXPECT_THAT(detail->json, HasSubstr("\"pid\""));
  const std::string pid = readFile(container + "/cgroup.procs");
  EXPECT_EQ(readFile("/proc/" + pid + "/oom_score_adj"), std::to_string(detail->limits.oom_score_adj));
}

TEST_F(Containerd, ExecAndLogsCarryWhatTheContainerSays) {
  const StartedPod pod = run(parse(kBurstable));
  auto outcome = client_->exec(pod.containers.at(0).id,
                               {"sh", "-c", "cat /sys/fs/cgroup/cpu.max; echo bad >&2; exit 3"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, 3);
  EXPECT_EQ(outcome->output, "50000 100000\n");
  EXPECT_EQ(outcome->errors, "bad\n");
  EXPECT_EQ(pods_->log(pod.containers[0].id).value(), "memory.max=67108864 A=b\n");
}

TEST_F(Containerd, ResizesInPlace) {
  const StartedPod pod = run(parse(kBurstable));
  const SandboxInfo info = pods_->find("shop", "web").value();
  const ContainerInfo container = pods_->findContainer(info, "").value();
  ContainerLimits limits = client_->containerDetail(container.id)->limits;
  const std::string directory = "/sys/fs/cgroup" + pod.cgroup;
  limits.cpu_quota_us = cpuQuota(750);
  limits.memory_bytes = 96 << 20;
  auto grown = pods_->resize(info, container, limits);
  ASSERT_TRUE(grown) << grown.error().message;
  EXPECT_EQ(readFile(directory + "/" + container.id + "/memory.max"), std::to_string(96 << 20));
  EXPECT_EQ(readFile(directory + "/" + container.id + "/cpu.max"), "75000 100000");
  EXPECT_EQ(readFile(directory + "/memory.max"), std::to_string(96 << 20));
  limits.memory_bytes = 48 << 20;
  auto shrunk = pods_->resize(info, container, limits);
  ASSERT_TRUE(shrunk) << shrunk.error().message;
  EXPECT_EQ(readFile(directory + "/" + container.id + "/memory.max"), std::to_string(48 << 20));
  EXPECT_EQ(readFile(directory + "/memory.max"), std::to_string(48 << 20));
}

TEST_F(Containerd, GivesAPodItsOwnNetworkAndTheHostsDirectories) {
  const StartedPod pod = run(parse(R"(kind: Pod
metadata: {name: net}
spec:
  containers:
  - name: main
    image: plimsoll.test/busybox:1
    command: [sleep, "3600"]
    volumeMounts: [{name: d, mountPath: /host-data, readOnly: true}]
  volumes: [{name: d, hostPath: {path: /data}}]
)"));
  EXPECT_EQ(pod.cgroup.rfind("/kubepods/besteffort/pod", 0), 0u);
  auto outcome = client_->exec(pod.containers.at(0).id, {"ip", "-o", "-4", "addr"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_THAT(outcome->output, HasSubstr("10.88."));
  outcome = client_->exec(pod.containers.at(0).id, {"touch", "/host-data/x"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_THAT(outcome->errors, HasSubstr("Read-only"));
}

TEST_F(Containerd, ShowsRefusalsWholeAndGoesOnWithTheOthers) {
  auto started = pods_->run(parse(R"(kind: Pod
metadata: {name: half}
spec:
  hostNetwork: true
  containers:
  - {name: bad, image: "plimsoll.test/absent:1"}
  - {name: worse, image: "plimsoll.test/busybox:1", command: [/no/such/program]}
  - {name: good, image: "plimsoll.test/busybox:1", command: [sh, -c, exit 4]}
)"));
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_FALSE(started->allStarted());
  ASSERT_EQ(started->containers.size(), 3u);
  EXPECT_THAT(started->containers[0].error.value().message, HasSubstr("CreateContainer: "));
  EXPECT_THAT(started->containers[0].error->message, HasSubstr("plimsoll.test/absent:1"));
  EXPECT_THAT(started->containers[1].error.value().message, HasSubstr("/no/such/program"));
  EXPECT_FALSE(started->containers[2].error);
  auto ended = pods_->waitFor(started->containers[2].id, ContainerState::Exited, std::chrono::seconds(20));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->exit_code, 4);
}

TEST_F(Containerd, LeavesNoCgroupBehind) {
  const StartedPod pod = run(parse(kBurstable));
  auto removed = pods_->remove(pods_->find("shop", "web").value(), 0);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(std::filesystem::exists("/sys/fs/cgroup" + pod.cgroup));
  EXPECT_TRUE(pods_->find("shop", "web").error().isGone());
}

}  // namespace
}  // namespace plimsoll::podctl
