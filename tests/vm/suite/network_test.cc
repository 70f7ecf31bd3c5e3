// Traffic control behind a real containerd and a real network plugin, by an agent without CAP_SYS_ADMIN.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kManifest[] = "/payload/demo/agent-pod-network.yaml";
constexpr char kOn[] =
    "network: {enabled: true, rate: 1G}\nrules:\n- name: test-may-all\n  match: {namespaces: [test]}\n"
    "  settings: [{key: \"*\"}]\n";

std::string outputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> chunk;
  while (size_t n = fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), n);
  output += "exit code " + std::to_string(WEXITSTATUS(pclose(pipe)));
  return output;
}

// Without what counts and numbers that change by themselves.
std::string queuesAndFilters() {
  return outputOf(
      "for d in $(ls /sys/class/net); do echo $d; tc qdisc show dev $d; tc filter show dev $d ingress; "
      "tc filter show dev $d egress; done; ls /sys/fs/bpf");
}

class Network : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::filesystem::create_directories("/var/lib/plimsoll");
    node().configure(kOn);
    ASSERT_TRUE(node().startAgent(kManifest));
  }
  // The other tests' agent has fewer capabilities.
  static void TearDownTestSuite() {
    node().configure("");
    ASSERT_TRUE(node().startAgent());
  }
  void TearDown() override { node().removePods(); }

  static podctl::StartedPod run(const std::string& name, const std::string& annotations,
                                bool host_network = false) {
    auto spec = node().pod(name, annotations);
    spec.host_network = host_network;
    // An attempt to connect to the node now and then.
    spec.containers[0].command = {
        "sh", "-c", "while true; do wget -q -O /dev/null http://10.88.0.1:9/ 2> /dev/null; sleep 0.2; done"};
    return node().run(spec);
  }
  static std::string describe(const std::string& pod) {
    return outputOf("/payload/kubectl-plimsoll describe " + pod + " -n test");
  }
  static std::string top(const std::string& pod) {
    return outputOf("/payload/kubectl-plimsoll top " + pod + " -n test --traffic");
  }
  static std::string release() { return outputOf("/payload/plimsolld release"); }
};

TEST_F(Network, APodsTrafficHasItsClassAndRateAndIsCounted) {
  const auto pod = run("web",
                       "plimsoll.dev/net.priority: high, app.plimsoll.dev/net.egress.rate: 10M, "
                       "kubernetes.io/egress-bandwidth: 20M");
  const std::string id = node().idOf(pod);
  for (const char* key : {"net.priority", "net.egress.rate", "net.pod.egress.rate"}) {
    const v1::Setting seen = node().setting(id, key);
    EXPECT_EQ(seen.state(), v1::SETTING_STATE_APPLIED) << seen.DebugString() << node().agentLog();
    EXPECT_EQ(seen.stage(), v1::STAGE_START) << "before its first packet";
  }
  EXPECT_TRUE(eventually([] { return describe("web").find("plm_pod_out at ") != std::string::npos; }));
  EXPECT_THAT(describe("web"), AllOf(HasSubstr("Class:        high"), HasSubstr("Mode:         link"),
                                     HasSubstr("limit 10M, pod 20M"), Not(HasSubstr("why not"))));
  EXPECT_TRUE(eventually([] { return describe("web").find("Sent:         0 in 0") == std::string::npos; }))
      << describe("web");
  EXPECT_THAT(top("web"), AllOf(HasSubstr("high"), HasSubstr("10M, pod 20M")));
}

TEST_F(Network, APodOfTheNodesOwnNetworkGoesByItsCgroup) {
  const auto pod = run("host", "plimsoll.dev/net.priority: besteffort", true);
  EXPECT_EQ(node().setting(node().idOf(pod), "net.priority").state(), v1::SETTING_STATE_APPLIED);
  EXPECT_THAT(describe("host"), AllOf(HasSubstr("besteffort"), HasSubstr("Mode:         cgroup")));
}

TEST_F(Network, TheNodeSaysWhatItHas) {
  ASSERT_TRUE(node().node());
  const v1::Network network = node().node()->network();
  EXPECT_TRUE(network.enabled());
  EXPECT_EQ(network.problem(), "");
  EXPECT_THAT(network.mode(), HasSubstr("link"));
  EXPECT_THAT(network.pins(), HasSubstr("/sys/fs/bpf/plimsoll/"));
  EXPECT_THAT(outputOf("/payload/plimsolld doctor"), HasSubstr("mode: link"));
}

TEST_F(Network, AReleaseLeavesNothing) {
  run("web", "plimsoll.dev/net.priority: high");
  node().killAgent();
  EXPECT_THAT(queuesAndFilters(), HasSubstr("plimsoll")) << "what is attached outlives the agent";
  EXPECT_THAT(release(), AllOf(HasSubstr("Removed"), HasSubstr("exit code 0")));
  EXPECT_THAT(queuesAndFilters(),
              AllOf(Not(HasSubstr("plm_")), Not(HasSubstr("plimsoll")), Not(HasSubstr("clsact"))));
  EXPECT_THAT(release(), HasSubstr("nothing to put back"));
  ASSERT_TRUE(node().startAgent(kManifest));
}

}  // namespace
}  // namespace plimsoll::vm
