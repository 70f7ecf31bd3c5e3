// The plugin's way through a cluster: kubectl is a program of ours whose cluster is a folder, what it
// executes is the real `plimsolld connect`, and behind each socket is an agent's API. argv: the plugin, the
// test server, the kubectl, plimsolld.
#include <gmock/gmock.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "cmd/kubectl-plimsoll/process_world.h"

namespace plimsoll::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string agentPod(const std::string& node, const std::string& ns = "plimsoll") {
  return R"({"metadata":{"namespace":")" + ns + R"(","name":"agent-)" + node + R"("},"spec":{"nodeName":")" +
         node +
         R"(","containers":[{"name":"plimsolld"}]},"status":{"conditions":[{"type":"Ready","status":"True"}],)"
         R"("containerStatuses":[{"name":"plimsolld","state":{"running":{}}}]}})";
}

class Cluster : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "the API lets root in only";
    folder_.write("pods",
                  "default web-0 node-1\ndefault api-0 node-2\nkube-system dns-0 node-1\n"
                  "default waiting-0 <none>\n");
  }
  // Each node with an agent that answers.
  void serve(const std::vector<std::string>& nodes) {
    std::string items;
    for (const std::string& node : nodes) {
      const std::string socket = folder_.path() + "/" + node + "/s";
      agents_.push_back(std::make_unique<ServedAgent>(socket, node));
      on(node, "connect " + socket);
    }
    list(nodes);
  }
  void list(const std::vector<std::string>& nodes) {
    std::string items;
    for (const std::string& node : nodes) items += (items.empty() ? "" : ",") + agentPod(node);
    folder_.write("agents.json", "{\"items\":[" + items + "]}");
  }
  void on(const std::string& node, const std::string& action) { folder_.write("exec/agent-" + node, action); }
  std::vector<std::string> environment() const {
    return {"PLIMSOLL_KUBECTL=" + programs().kubectl, "PLIMSOLL_FAKE_CLUSTER=" + folder_.path(),
            "PLIMSOLL_FAKE_AGENT=" + programs().agent};
  }
  Outcome plugin(std::vector<std::string> arguments, std::string input = {}) {
    std::filesystem::remove(folder_.path() + "/argv");
    return run(folder_.path(), {std::move(arguments), std::move(input), environment()});
  }
  std::vector<std::string> commandLines() const {
    std::vector<std::string> lines;
    std::ifstream file(folder_.path() + "/argv");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  size_t executions() const {
    const auto lines = commandLines();
    return static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("\tconnect") != std::string::npos;
    }));
  }

  TempFolder folder_;
  std::vector<std::unique_ptr<ServedAgent>> agents_;
};

TEST_F(Cluster, GathersTheContainersOfAllNodes) {
  serve({"node-1", "node-2"});
  const Outcome all = plugin({"get", "-A"});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(all.out,
            "NAMESPACE     POD     CONTAINER   CLASS              SETTINGS   STATE     AGE\n"
            "default       api-0   api         <none>             0/0        <none>    5h\n"
            "default       web-0   app         latency-critical   2/3        Invalid   5h\n"
            "kube-system   dns-0   dns         <none>             0/0        <none>    5h\n"
            "kube-system   dns-0   dns         <none>             0/0        <none>    5h\n");
  EXPECT_EQ(executions(), 2u);
  const Outcome wide = plugin({"get", "-o", "wide"});
  EXPECT_THAT(wide.out, HasSubstr("NODE"));
  EXPECT_THAT(wide.out, HasSubstr("node-2"));
  EXPECT_THAT(plugin({"get", "-o", "json"}).out, HasSubstr("\"node\": \"node-2\""));
  const Outcome nodes = plugin({"get", "nodes", "--no-headers"});
  EXPECT_THAT(nodes.out, AllOf(StartsWith("node-1 "), HasSubstr("\nnode-2 ")));
}

TEST_F(Cluster, AsksOnlyTheNodesThatHostThePods) {
  serve({"node-1", "node-2"});
  const Outcome one = plugin({"get", "api-0"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("api-0"));
  ASSERT_EQ(executions(), 1u);
  EXPECT_EQ(
      commandLines().back(),
      "exec\t--stdin\t--namespace=plimsoll\t--container=plimsolld\tagent-node-2\t--\t/plimsolld\tconnect");
  const Outcome named = plugin({"get", "-A", "--node", "node-1", "-o", "name"});
  EXPECT_EQ(named.out, "container/web-0/app\ncontainer/dns-0/dns\n");
  EXPECT_EQ(executions(), 1u);
  // A pod that waits for a node has none to ask.
  const Outcome waiting = plugin({"get", "waiting-0"});
  EXPECT_EQ(waiting.code, 1);
  EXPECT_THAT(waiting.err, HasSubstr("no pod \"waiting-0\" is known to the agents"));
  EXPECT_EQ(executions(), 0u);
}

TEST_F(Cluster, PassesOnWhatIsMeantForKubectl) {
  serve({"node-1"});
  folder_.write("namespace", "kube-system");
  const Outcome outcome = plugin(
      {"get", "--context", "prod", "--kubeconfig", "/k", "--as", "jane", "-l", "app=dns", "-o", "name"});
  EXPECT_EQ(outcome.out, "container/dns-0/dns\n") << outcome.err;
  for (const std::string& line : commandLines())
    EXPECT_THAT(line, StartsWith("--context=prod\t--kubeconfig=/k\t--as=jane\t"));
  EXPECT_THAT(commandLines()[2],
              AllOf(HasSubstr("--namespace=kube-system"), HasSubstr("--selector=app=dns")));
  EXPECT_EQ(plugin({"get", "-n", "default", "-o", "name"}).out, "container/web-0/app\n");
}

TEST_F(Cluster, SaysWhichNodesDidNotAnswer) {
  serve({"node-1"});
  list({"node-1", "node-2", "node-3", "node-4"});
  on("node-2", "hang");
  on("node-3", "forbid");
  on("node-4", "die");
  const auto before = std::chrono::steady_clock::now();
  const Outcome partial = plugin({"get", "nodes", "--request-timeout", "2"});
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(20));
  EXPECT_EQ(partial.code, 3) << partial.err;
  EXPECT_THAT(partial.out, HasSubstr("node-1"));
  EXPECT_THAT(partial.err, HasSubstr("error: node node-2: the agent did not answer in time"));
  EXPECT_THAT(partial.err, HasSubstr("error: node node-3: kubectl exec: Error from server (Forbidden)"));
  EXPECT_THAT(partial.err, HasSubstr("hint: "));
  EXPECT_THAT(partial.err, HasSubstr("error: node node-4: kubectl exec: exit code 137"));
  EXPECT_THAT(plugin({"get", "nodes", "--node", "node-1", "--node", "gone"}).err,
              HasSubstr("node gone: no agent runs on this node"));
  const Outcome none = plugin({"get", "nodes", "--node", "node-3"});
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(plugin({"diff", "--node", "node-1", "--node", "node-4"}).code, 2);
}

TEST_F(Cluster, SurvivesWhatIsNoAgent) {
  list({"node-1", "node-2", "node-3"});
  on("node-1", "garbage");
  on("node-2", "flood");
  on("node-3", "chatter");
  const Outcome outcome = plugin({"get", "-A", "--via", "kubectl", "--node", "node-1", "--node", "node-2",
                                  "--node", "node-3", "--request-timeout", "2"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("node-1"), HasSubstr("node-2"), HasSubstr("node-3")));
  EXPECT_LT(outcome.err.size(), 20'000u);
}

TEST_F(Cluster, SaysWhyItFindsNoAgents) {
  const auto error = [&](const std::string& answer) {
    folder_.write("agents.json", answer);
    const Outcome outcome = plugin({"get", "-A", "--request-timeout", "1"});
    EXPECT_EQ(outcome.code, 1) << answer;
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_THAT(error("{\"items\":[]}"), HasSubstr("no agent runs in this cluster"));
  EXPECT_THAT(error("hang"), HasSubstr("in time"));
  EXPECT_THAT(error("refuse"), HasSubstr("Unable to connect to the server"));
  EXPECT_THAT(error("<html>login</html>"), HasSubstr("something else than a list"));
  EXPECT_THAT(error("{\"items\":[7,{\"metadata\":[]},{\"spec\":{\"containers\":{}}}]}"),
              HasSubstr("no agent"));
  EXPECT_THAT(error("{\"items\":[" + agentPod("node-1") + "," + agentPod("node-2", "evil") + "]}"),
              HasSubstr("--agent-namespace"));
  const Outcome missing = run(folder_.path(), {{"get"}, {}, {"PLIMSOLL_KUBECTL=/nowhere/kubectl"}});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("was not found"));
}

TEST_F(Cluster, TakesNoNameForAnOption) {
  serve({"node-1"});
  folder_.write("pods", "default --as=root node-1\n");
  EXPECT_THAT(plugin({"get", "-A"}).err, HasSubstr("something else than names"));
  EXPECT_EQ(executions(), 0u);
  folder_.write("agents.json", "{\"items\":[" + agentPod("-o") + "]}");
  EXPECT_THAT(plugin({"get", "nodes"}).err, HasSubstr("no agent runs"));
  EXPECT_THAT(plugin({"get", "-n", "a;b"}).err, HasSubstr("no namespace's name"));
  EXPECT_THAT(plugin({"get", "--", "--kubeconfig=x"}).err, HasSubstr("not a name that a pod can have"));
}

TEST_F(Cluster, TellsEventsHistoryAndVersionsOfSeveralNodes) {
  serve({"node-1", "node-2"});
  EXPECT_THAT(plugin({"events", "-o", "wide"}).out, AllOf(HasSubstr("NODE"), HasSubstr("node-2")));
  const Outcome history = plugin({"history", "web-0", "-o", "wide"});
  EXPECT_THAT(history.out, HasSubstr("node-1")) << history.err;
  EXPECT_EQ(executions(), 1u) << "it lives on one node";
  EXPECT_EQ(plugin({"history", "gone-0"}).code, 0);
  EXPECT_EQ(executions(), 2u) << "where it was nobody knows any more";
  EXPECT_THAT(plugin({"version"}).out, AllOf(HasSubstr("(node-1): "), HasSubstr("(node-2): ")));
  EXPECT_THAT(plugin({"doctor"}).out, HasSubstr("node-2: answers"));
  EXPECT_THAT(plugin({"describe", "web-0"}).out, HasSubstr("Node:         node-1"));
}

TEST_F(Cluster, WatchesEventsOfAllNodesUntilItIsEnded) {
  serve({"node-1", "node-2"});
  int out[2];
  ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
  const base::UniqueFd reader(out[0]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(out[1], 1);
    for (const std::string& variable : environment()) ::putenv(::strdup(variable.c_str()));
    ::execl(programs().plugin.c_str(), "kubectl-plimsoll", "events", "-w", "-A", nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  std::string seen;
  const auto readUntil = [&](const std::string& text) {
    while (seen.find(text) == std::string::npos) {
      pollfd entry{reader.get(), POLLIN, 0};
      char buffer[512];
      ssize_t n = 0;
      if (::poll(&entry, 1, 20'000) <= 0 || (n = ::read(reader.get(), buffer, sizeof buffer)) <= 0) break;
      seen.append(buffer, static_cast<size_t>(n));
    }
    return seen.find(text) != std::string::npos;
  };
  EXPECT_TRUE(readUntil("no rule allows more")) << seen;
  ASSERT_EQ(::write(agents_[1]->in(), "from the second\n", 16), 16);
  EXPECT_TRUE(readUntil("from the second")) << seen;
  ASSERT_EQ(::write(agents_[0]->in(), "from the first\n", 15), 15);
  EXPECT_TRUE(readUntil("from the first")) << seen;
  ::kill(child, SIGTERM);
  ::waitpid(child, nullptr, 0);
}

TEST_F(Cluster, AsksManyNodesWithABound) {
  std::vector<std::string> nodes = {"node-1"};
  serve(nodes);
  const std::string socket = folder_.path() + "/node-1/s";
  for (int i = 2; i <= 12; ++i) {
    nodes.push_back("n" + std::to_string(i));
    on(nodes.back(), "connect " + socket);
  }
  list(nodes);
  const Outcome outcome = plugin({"get", "nodes", "--parallel", "3", "-o", "name"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 12);
  EXPECT_EQ(executions(), 12u);
}

TEST_F(Cluster, LeavesNoKubectlBehind) {
  list({"node-1", "node-2"});
  on("node-1", "hang");
  on("node-2", "flood");
  EXPECT_EQ(plugin({"get", "nodes", "--request-timeout", "1"}).code, 1);
  // Ours are told by their environment, which nobody else has.
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::ifstream environ(process.path() / "environ");
    const std::string text{std::istreambuf_iterator<char>(environ), {}};
    EXPECT_EQ(text.find("PLIMSOLL_FAKE_CLUSTER=" + folder_.path()), std::string::npos) << process.path();
  }
}

TEST_F(Cluster, CompletesNamesOfTheCluster) {
  folder_.write("namespaces", "default\nkube-system\n$(reboot)\n");
  EXPECT_EQ(plugin({"__complete", "get", "-n", "kube"}).out, "kube-system\n:4\n");
  EXPECT_THAT(plugin({"__complete", "get", "-n", ""}).out, Not(HasSubstr("reboot")));
}

}  // namespace
}  // namespace plimsoll::cli

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 5) return 2;
  plimsoll::cli::programs() = {argv[1], argv[2], argv[3], argv[4]};
  ::signal(SIGPIPE, SIG_IGN);
  return RUN_ALL_TESTS();
}
