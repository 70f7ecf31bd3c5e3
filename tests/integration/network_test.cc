// The agent as a process with real links, real cgroups and its real traffic programs: what a pod's
// annotations become, what is shown of it, what is left by kill and by release.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "pkg/sys/file.h"
#include "pkg/sys/mountinfo.h"
#include "tests/integration/agent_process.h"
#include "tests/netqos/node_world.h"
#include "tests/support/fake_runtime/fake_runtime.h"

namespace plimsoll::integration {
namespace {

using fake::FakeRuntime;
using plimsoll::testing::cgroup2Mount;
using plimsoll::testing::connectTo;
using plimsoll::testing::missingForBpf;
using plimsoll::testing::Node;
using plimsoll::testing::onNode;
using plimsoll::testing::outputOf;
using plimsoll::testing::Sink;
using plimsoll::testing::TestCgroup;
using plimsoll::testing::TestContainer;
using plimsoll::testing::Transport;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace api = nri::api;
using Annotations = std::map<std::string, std::string>;

// The calling thread has a mount namespace of its own: there, no cgroup v1 is in the way any more.
void hideCgroupV1() {
  const auto text = sys::readFile("/proc/thread-self/mountinfo");
  const auto mounts = sys::parseMountinfo(text ? *text : "");
  ASSERT_TRUE(mounts);
  for (const sys::Mount& mount : *mounts) {
    if (mount.fs_type == "cgroup") umount2(mount.mount_point.c_str(), MNT_DETACH);
  }
}

// What a release has to leave as it was. Older bpftools do not show TCX: what is pinned stands for that.
std::string attached(const AgentProcess& agent) {
  return outputOf(
      "tc qdisc show; tc filter show dev pod0 ingress; tc filter show dev up0 egress; bpftool net 2>&1; "
      "find " +
      agent.bpffs());
}

class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    pod_.emplace("agentnet");
    container_.emplace(*pod_, "c1", &node_->pod);
    char name[] = "/tmp/plimsoll-agent-XXXXXX";
    directory_ = mkdtemp(name);
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  // Runs `work` on the node, with an agent that is configured and not started yet.
  void onTheNode(const std::function<void(AgentProcess&)>& work,
                 const std::string& network = "{enabled: true, uplinks: [up0]}") {
    onNode(node_->host, [&](const std::string& bpffs) {
      hideCgroupV1();
      sys::HostRoots roots;
      roots.cgroup = cgroup2Mount();
      AgentProcess agent(roots, directory_);
      agent.useBpffs(bpffs);
      configure(agent, network);
      work(agent);
    });
  }
  static void configure(const AgentProcess& agent, const std::string& network) {
    std::ofstream(agent.configFile() + ".new")
        << "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\nnetwork: " << network << "\n";
    std::filesystem::rename(agent.configFile() + ".new", agent.configFile());
  }
  static std::string below(const std::string& path) { return path.substr(cgroup2Mount().size()); }
  api::PodSandbox sandbox(const Annotations& annotations) {
    api::PodSandbox pod;
    pod.set_id("s1");
    pod.set_name("web");
    pod.set_namespace_("shop");
    pod.set_uid("u1");
    pod.mutable_linux()->set_cgroup_parent(below(pod_->path()));
    api::LinuxNamespace& network = *pod.mutable_linux()->add_namespaces();
    network.set_type("network");
    network.set_path("/var/run/netns/web");
    pod.mutable_annotations()->insert(annotations.begin(), annotations.end());
    return pod;
  }
  api::Container created() {
    api::Container container;
    container.set_id("c1");
    container.set_pod_sandbox_id("s1");
    container.set_name("app");
    container.mutable_linux()->set_cgroups_path(below(container_->cgroup.path()));
    return container;
  }
  api::Container started() {
    api::Container container = created();
    container.set_pid(static_cast<uint32_t>(container_->process.pid()));
    container.set_state(api::CONTAINER_RUNNING);
    return container;
  }
  void runPod(FakeRuntime& runtime, const Annotations& annotations) {
    const api::PodSandbox pod = sandbox(annotations);
    ASSERT_TRUE(runtime.createContainer(pod, created()));
    ASSERT_TRUE(runtime.notify(api::EVENT_START_CONTAINER, pod, started()));
  }
  // Datagrams of 10 bytes from the container.
  void send(int count) {
    Sink sink(node_->peer, Transport::Udp);
    container_->cgroup.enter();
    base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Udp);
    for (int i = 0; i < count; ++i) ::send(socket.get(), "0123456789", 10, 0);
    usleep(20'000);
  }
  // As `top --traffic -o json` shows it; null: nothing.
  static nlohmann::json traffic(const AgentProcess& agent) {
    const Finished shown = agent.kubectl({"top", "-n", "shop", "-o", "json"});
    const auto document = nlohmann::json::parse(shown.output, nullptr, false);
    if (document.is_discarded() || document["items"].empty()) return nullptr;
    return document["items"][0].value("traffic", nlohmann::json());
  }
  static Finished release(const AgentProcess& agent, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = agent.arguments();
    arguments.push_back("release");
    arguments.insert(arguments.end(), more.begin(), more.end());
    return runProgram(arguments);
  }

  std::optional<Node> node_;
  std::optional<TestCgroup> pod_;
  std::optional<TestContainer> container_;
  std::string directory_;
};

TEST_F(NetworkTest, FromTheAnnotationToTheProgramsAndBack) {
  onTheNode([&](AgentProcess& agent) {
    const std::string before = attached(agent);
    FakeRuntime runtime(agent.nriSocket(), fake::likeContainerd219());
    agent.start();
    ASSERT_TRUE(runtime.waitForPlugins(1)) << agent.log();
    runPod(runtime, {{"plimsoll.dev/net.priority", "high"},
                     {"plimsoll.dev/net.egress.rate", "200M"},
                     {"app.plimsoll.dev/net.egress.rate", "100M"},
                     {"kubernetes.io/ingress-bandwidth", "50M"}});
    const Finished described = agent.kubectl({"describe", "web", "-n", "shop"});
    EXPECT_THAT(described.output,
                AllOf(HasSubstr("net.priority"), HasSubstr("net.pod.egress.rate"), HasSubstr("Applied"),
                      Not(HasSubstr("Failed")), HasSubstr("Mode:         link"), HasSubstr("plm_pod_out"),
                      HasSubstr("limit 100M, pod 200M"), HasSubstr("kubernetes.io/ingress-bandwidth")))
        << agent.log();
    send(25);
    const nlohmann::json counted = traffic(agent);
    ASSERT_TRUE(counted.is_object()) << agent.log();
    EXPECT_EQ(counted["class"], "high");
    EXPECT_EQ(counted["egress"]["packets"], 25);
    EXPECT_EQ(agent.kubectl({"doctor", "--root", directory_}).output.find("no traffic control"),
              std::string::npos);

    EXPECT_EQ(agent.stop(SIGTERM), 0);
    const Finished would = release(agent, {"--dry-run"});
    EXPECT_THAT(would.output, AllOf(HasSubstr("WouldRemove"), HasSubstr("WouldRestore")));
    EXPECT_NE(attached(agent), before) << "the programs outlive the agent";
    const Finished released = release(agent);
    EXPECT_EQ(released.exit_code, 0) << released.output;
    EXPECT_EQ(attached(agent), before);
    EXPECT_THAT(release(agent).output, HasSubstr("nothing to put back"));
  });
}

TEST_F(NetworkTest, KilledAndBackItGoesOnCounting) {
  onTheNode([&](AgentProcess& agent) {
    FakeRuntime runtime(agent.nriSocket(), fake::likeContainerd219());
    agent.start();
    ASSERT_TRUE(runtime.waitForPlugins(1)) << agent.log();
    runPod(runtime, {{"plimsoll.dev/net.priority", "besteffort"}});
    send(10);
    agent.stop(SIGKILL);
    send(10);
    runtime.setState({sandbox({{"plimsoll.dev/net.priority", "besteffort"}})}, {started()});
    agent.start();
    ASSERT_TRUE(eventually([&] { return traffic(agent).is_object(); })) << agent.log();
    send(10);
    EXPECT_EQ(traffic(agent)["egress"]["packets"], 30) << "not one uncounted";
    EXPECT_THAT(agent.kubectl({"describe", "web", "-n", "shop"}).output, Not(HasSubstr("Drifted")));
    agent.stop(SIGTERM);
    EXPECT_EQ(release(agent).exit_code, 0);
  });
}

TEST_F(NetworkTest, NeedsNoMoreThanItsProfileSays) {
  onTheNode([&](AgentProcess& agent) {
    FakeRuntime runtime(agent.nriSocket(), fake::likeContainerd219());
    agent.useProfile("net");
    agent.start();
    ASSERT_TRUE(runtime.waitForPlugins(1)) << agent.log();
    EXPECT_THAT(agent.log(), HasSubstr("capabilities=\"NET_ADMIN PERFMON BPF\""));
    runPod(runtime, {{"plimsoll.dev/net.priority", "high"}, {"plimsoll.dev/net.egress.rate", "100M"}});
    EXPECT_THAT(agent.kubectl({"describe", "web", "-n", "shop"}).output,
                AllOf(HasSubstr("Applied"), Not(HasSubstr("Failed")), Not(HasSubstr("Unsupported")),
                      HasSubstr("Mode:         link"), Not(HasSubstr("why not"))));
    send(5);
    EXPECT_EQ(traffic(agent)["egress"]["packets"], 5);
    agent.stop(SIGTERM);
    EXPECT_EQ(release(agent).exit_code, 0);
  });
}

TEST_F(NetworkTest, WithoutTheCapabilitiesItSaysSo) {
  onTheNode([&](AgentProcess& agent) {
    FakeRuntime runtime(agent.nriSocket(), fake::likeContainerd219());
    agent.useProfile("core");
    agent.start();
    ASSERT_TRUE(runtime.waitForPlugins(1)) << agent.log();
    runPod(runtime, {{"plimsoll.dev/net.priority", "high"}});
    EXPECT_THAT(agent.kubectl({"describe", "web", "-n", "shop"}).output,
                AllOf(HasSubstr("Unsupported"), HasSubstr("no traffic control on this node: ")));
    EXPECT_THAT(agent.kubectl({"doctor", "--root", directory_}).output, HasSubstr("no traffic control: "));
    agent.stop(SIGTERM);
  });
}

TEST_F(NetworkTest, SwitchedOnAndOffWhileItRuns) {
  onTheNode(
      [&](AgentProcess& agent) {
        const std::string before = attached(agent);
        FakeRuntime runtime(agent.nriSocket(), fake::likeContainerd219());
        agent.start();
        ASSERT_TRUE(runtime.waitForPlugins(1)) << agent.log();
        runPod(runtime, {{"plimsoll.dev/net.priority", "high"}, {"kubernetes.io/egress-bandwidth", "1M"}});
        const auto describe = [&] { return agent.kubectl({"describe", "web", "-n", "shop"}).output; };
        EXPECT_THAT(describe(), AllOf(HasSubstr("Unsupported"), HasSubstr("network.enabled"),
                                      Not(HasSubstr("net.pod.egress.rate"))));
        configure(agent, "{enabled: true, uplinks: [up0]}");
        EXPECT_TRUE(eventually([&] { return describe().find("Mode:         link") != std::string::npos; }))
            << agent.log();
        EXPECT_THAT(describe(), HasSubstr("net.pod.egress.rate"));
        configure(agent, "{enabled: false}");
        EXPECT_TRUE(eventually([&] { return attached(agent) == before; })) << attached(agent);
        EXPECT_THAT(describe(), HasSubstr("network.enabled"));
        agent.stop(SIGTERM);
        EXPECT_THAT(release(agent).output, HasSubstr("nothing to put back")) << "it was put back already";
      },
      "{enabled: false}");
}

TEST_F(NetworkTest, ADoctorSaysWhatThisNodeWillHave) {
  onTheNode([&](AgentProcess& agent) {
    const std::string before = attached(agent);
    std::vector<std::string> arguments = agent.arguments();
    arguments.push_back("doctor");
    const Finished asked = runProgram(arguments);
    EXPECT_EQ(asked.exit_code, 0) << asked.output;
    EXPECT_THAT(asked.output, AllOf(HasSubstr("mode: link"), HasSubstr("up0")));
    EXPECT_EQ(attached(agent), before);
  });
}

}  // namespace
}  // namespace plimsoll::integration
