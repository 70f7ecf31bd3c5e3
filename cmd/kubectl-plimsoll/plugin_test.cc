// The plugin as kubectl starts it: a process with arguments, an environment and exit codes, against an
// agent's API served by another process. argv[1] and argv[2]: the folder of the plugin and the test server.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "cmd/kubectl-plimsoll/process_world.h"

namespace plimsoll::cli {
namespace {

using base::UniqueFd;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string shell(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string out = readAll(::fileno(pipe));
  ::pclose(pipe);
  return out;
}

class Plugin : public ::testing::Test {
 protected:
  void startServer() { server_.emplace(socket_, ""); }
  Outcome plugin(std::vector<std::string> arguments) {
    return run(directory_, {std::move(arguments), {}, {"PLIMSOLL_SOCKET=" + socket_}});
  }
  void write(const std::string& name, const std::string& text) { folder_.write(name, text); }

  const TempFolder folder_;
  const std::string directory_ = folder_.path(), socket_ = directory_ + "/run/plimsoll.sock";
  std::optional<ServedAgent> server_;
};

class PluginWithServer : public Plugin {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "the API lets root in only";
    startServer();
  }
};

TEST_F(PluginWithServer, HistoryOfAPod) {
  const Outcome outcome = plugin({"history", "web-0"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Settled   memory.high   max     999424"));
  EXPECT_THAT(plugin({"history", "web-0", "-o", "json"}).out, HasSubstr("HistoryEntryList"));
  const Outcome nothing = plugin({"history", "other"});
  EXPECT_EQ(nothing.code, 0);
  EXPECT_EQ(nothing.out, "");
  EXPECT_THAT(nothing.err, HasSubstr("Nothing is recorded"));
}

// Exit codes as kubectl diff.
TEST_F(PluginWithServer, DiffTellsByItsExitCode) {
  const Outcome differs = plugin({"diff", "web-0"});
  EXPECT_EQ(differs.code, 1) << differs.err;
  EXPECT_THAT(differs.out, HasSubstr("--- default/web-0/app desired\n"));
  EXPECT_THAT(differs.out, HasSubstr("-memory.high: "));
  EXPECT_THAT(differs.out, Not(HasSubstr("memory.max")));
  const Outcome same = plugin({"diff", "-n", "kube-system", "dns-0"});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(same.out, "");
  EXPECT_EQ(plugin({"diff", "nobody"}).code, 2);
  EXPECT_EQ(plugin({"diff", "--no-such-option"}).code, 2);
  EXPECT_EQ(plugin({"diff", "--socket=/nowhere"}).code, 2);
}

TEST_F(PluginWithServer, GetsTables) {
  const Outcome all = plugin({"get", "-A"});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(all.out,
            "NAMESPACE     POD     CONTAINER   CLASS              SETTINGS   STATE     AGE\n"
            "default       web-0   app         latency-critical   2/3        Invalid   5h\n"
            "kube-system   dns-0   dns         <none>             0/0        <none>    5h\n");
  EXPECT_EQ(plugin({"get", "-n", "kube-system", "--no-headers"}).out,
            "dns-0   dns   <none>   0/0   <none>   5h\n");
  EXPECT_EQ(plugin({"get", "pods", "web-0", "-o", "name"}).out, "container/web-0/app\n");
  EXPECT_EQ(plugin({"get", "-A", "-l", "app=dns", "-o", "name"}).out, "container/dns-0/dns\n");
  EXPECT_THAT(plugin({"get", "nodes"}).out,
              HasSubstr("node-1   containerd v2.1.9   2            1          "));
  EXPECT_THAT(plugin({"get", "-o", "yaml"}).out,
              StartsWith("apiVersion: plimsoll.dev/v1\nkind: ContainerList\n"));
  EXPECT_THAT(plugin({"get", "-o", "json"}).out, HasSubstr("\"kind\": \"ContainerList\""));
}

TEST_F(PluginWithServer, SaysWhatIsNotThere) {
  const Outcome missing = plugin({"get", "gone-0", "web-0"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.out, HasSubstr("web-0")) << "what is there is shown all the same";
  EXPECT_THAT(missing.err, HasSubstr("no pod \"gone-0\""));
  const Outcome empty = plugin({"get", "-n", "none"});
  EXPECT_EQ(empty.code, 0);
  EXPECT_EQ(empty.out, "");
  EXPECT_EQ(empty.err, "No containers found in none namespace.\n");
  EXPECT_EQ(plugin({"describe", "web-0", "-c", "gone"}).code, 1);
  EXPECT_THAT(plugin({"get", "-l", "a in b"}).err, HasSubstr("label selector"));
}

TEST_F(PluginWithServer, DescribesWithoutLettingAPodSteerTheTerminal) {
  const Outcome outcome = plugin({"describe", "web-0"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("why: no rule allows more than the class's 500"));
  EXPECT_THAT(outcome.out, HasSubstr("plimsoll.dev/memory.hihg = 512Mi\\x1b]0;owned\\x07"));
  EXPECT_THAT(outcome.out, HasSubstr("SettingRefused"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("\033")));
}

TEST_F(PluginWithServer, ColoursOnDemandOnly) {
  const auto coloured = [&](std::vector<std::string> arguments, std::vector<std::string> environment) {
    environment.push_back("PLIMSOLL_SOCKET=" + socket_);
    environment.push_back("TERM=xterm");
    return run(directory_, {std::move(arguments), {}, std::move(environment)}).out.find('\033') !=
           std::string::npos;
  };
  EXPECT_FALSE(coloured({"get"}, {}));
  EXPECT_TRUE(coloured({"get", "--color", "always"}, {}));
  EXPECT_FALSE(coloured({"get", "--color", "auto"}, {"NO_COLOR=1"}));
  EXPECT_FALSE(coloured({"get", "--color", "never"}, {}));
}

TEST_F(PluginWithServer, PrintsAndWatchesEvents) {
  EXPECT_THAT(plugin({"events", "--for", "pod/web-0"}).out, HasSubstr("cpu.weight: no rule allows more"));
  EXPECT_EQ(plugin({"events", "--for", "pod/other"}).err, "No events found in default namespace.\n");
  EXPECT_EQ(plugin({"events", "--for", "web-0"}).code, 1);
  int out[2];
  ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(out[1], 1);
    ::execl(programs().plugin.c_str(), "kubectl-plimsoll", "events", "-w", "--socket", socket_.c_str(),
            nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  const UniqueFd reader(out[0]);
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
  ASSERT_EQ(::write(server_->in(), "fresh news\n", 11), 11);
  EXPECT_TRUE(readUntil("fresh news")) << seen;
  ::kill(child, SIGTERM);
  ::waitpid(child, nullptr, 0);
}

TEST_F(PluginWithServer, IsRefusedToAnotherUser) {
  // Another uid is kept out by the folder first. Opened up, the agent still asks who it is.
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  const Command command{{"get", "--socket", socket_}, {}, {}, 65534};
  std::filesystem::copy(programs().plugin,
                        directory_ + "/plugin");  // readable for that uid wherever the build stands
  const std::string built = std::exchange(programs().plugin, directory_ + "/plugin");
  ASSERT_EQ(::chmod(programs().plugin.c_str(), 0755), 0);
  const Outcome kept_out = run(directory_, command);
  EXPECT_EQ(kept_out.code, 1);
  EXPECT_THAT(kept_out.err, HasSubstr("for root"));
  ASSERT_EQ(::chmod((directory_ + "/run").c_str(), 0755), 0);
  ASSERT_EQ(::chmod(socket_.c_str(), 0666), 0);
  const Outcome refused = run(directory_, command);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("may not use the agent's API"));
  programs().plugin = built;
}

TEST_F(PluginWithServer, DrawsTheTreeOfAPod) {
  const Outcome outcome = plugin({"tree", "web-0", "--ascii"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("         `- 4f1c0ffee0004f1c0ffee000   app"));
  EXPECT_THAT(outcome.out,
              HasSubstr("* app: memory.max 512Mi is bound by 256Mi of /kubepods/burstable/poduid-web-0\n"));
  EXPECT_THAT(plugin({"tree", "web-0", "-o", "json"}).out, HasSubstr("\"kind\": \"CgroupTree\""));
  const Outcome some = plugin({"tree", "web-0", "gone-0"});
  EXPECT_EQ(some.code, 1);
  EXPECT_THAT(some.err, HasSubstr("no container with settings is known of pod \"gone-0\""));
  EXPECT_THAT(some.out, HasSubstr("256Mi *"));
  EXPECT_EQ(plugin({"tree"}).code, 1);
}

TEST_F(PluginWithServer, ShowsTheTopology) {
  const Outcome outcome = plugin({"topology"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("0      0-1    1Gi      <unknown>   10"));
  EXPECT_THAT(outcome.out, HasSubstr("default     web-0   app         0-1    0\n"));
  EXPECT_THAT(plugin({"topology", "-o", "yaml"}).out, HasSubstr("kind: Topology\n"));
}

TEST_F(PluginWithServer, SimulatesManifests) {
  write("pod.yaml", "kind: Pod\nmetadata: {name: sim}\nspec: {containers: [{name: app}]}\n");
  const Outcome outcome = plugin({"simulate", "-f", directory_ + "/pod.yaml", "-n", "shop"});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("Pod/sim app in namespace shop, class <none>\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Granted\n"));
  EXPECT_THAT(outcome.out, HasSubstr("why: no rule allows it\n"));
  EXPECT_THAT(plugin({"simulate", "-f", directory_ + "/pod.yaml", "-o", "json"}).out,
              HasSubstr("\"granted\": false"));
  const Outcome nothing =
      run(directory_, {{"simulate", "-f", "-"}, "kind: Service\n", {"PLIMSOLL_SOCKET=" + socket_}});
  EXPECT_EQ(nothing.code, 0);
  EXPECT_THAT(nothing.err, HasSubstr("No pods found"));
  EXPECT_EQ(plugin({"simulate", "-f", directory_ + "/gone.yaml"}).code, 1);
}

// By the system's own tar, which reads it as anybody would.
TEST_F(PluginWithServer, BundlesWhatABugReportNeeds) {
  const std::string file = directory_ + "/b.tar";
  const Outcome outcome = plugin({"bundle", "-f", file});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const std::string list =
      shell("tar -tf " + file + " | sed 's|^plimsoll-bundle-[0-9TZ]*/||' | sort | paste -sd' '");
  EXPECT_EQ(
      list,
      "about.txt node/config.yaml node/containers.json node/doctor.txt node/events.json node/history.json "
      "node/node.json node/stats.json node/topology.json problems.txt\n");
  EXPECT_THAT(shell("tar -xOf " + file + " --wildcards '*/config.yaml'"), StartsWith("classes: {}\n"));
  const std::string problems = shell("tar -xOf " + file + " --wildcards '*/problems.txt'");
  EXPECT_THAT(problems, HasSubstr("metrics.txt: off"));
  EXPECT_THAT(problems, HasSubstr("not a name for an archive"));
  EXPECT_EQ(plugin({"bundle", "-f", file}).code, 1) << "never over another file";
  EXPECT_THAT(plugin({"bundle", "-f", "-"}).out, StartsWith("plimsoll-bundle-"));
}

TEST_F(PluginWithServer, TellsVersions) {
  const Outcome outcome = plugin({"version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Client Version: "));
  EXPECT_THAT(outcome.out, HasSubstr("Agent Version: "));
}

TEST_F(Plugin, SaysThatNoAgentAnswers) {
  const Outcome outcome = plugin({"get"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("cannot reach the agent"));
  EXPECT_THAT(outcome.err, HasSubstr("--socket"));
  EXPECT_EQ(plugin({"version"}).code, 1);
  EXPECT_EQ(plugin({"version", "--client"}).code, 0);
  EXPECT_EQ(plugin({"doctor", "--local", "--root", directory_}).code, 2);
}

TEST_F(Plugin, NamesTheRightVerbAndKey) {
  EXPECT_THAT(plugin({"descirbe", "x"}).err, HasSubstr("did you mean \"describe\"?"));
  EXPECT_EQ(plugin({"descirbe", "x"}).code, 1);
  EXPECT_EQ(plugin({"get", "--nonsense"}).code, 1);
  EXPECT_EQ(plugin({"describe"}).code, 1);
  EXPECT_EQ(plugin({"get", "-o", "xml"}).code, 1);
  const Outcome near = plugin({"explain", "memory.hihg"});
  EXPECT_EQ(near.code, 1);
  EXPECT_THAT(near.err, HasSubstr("memory.high"));
  EXPECT_THAT(plugin({"--help"}).out, HasSubstr("kubectl plimsoll"));
  EXPECT_EQ(plugin({"--help"}).code, 0);
  EXPECT_EQ(plugin({"lint", "--help"}).code, 0);
}

// What a shell makes of it when the tab key is pressed.
TEST_F(Plugin, CompletesInBash) {
  std::filesystem::create_symlink(std::filesystem::absolute(programs().plugin),
                                  directory_ + "/kubectl-plimsoll");
  const auto completed = [&](const std::string& words, int at) {
    write("c.sh", "export PATH=" + directory_ +
                      ":$PATH\nsource <(kubectl-plimsoll completion bash)\nCOMP_WORDS=(" + words +
                      ")\nCOMP_CWORD=" + std::to_string(at) +
                      "\n_kubectl_plimsoll\nprintf '%s\\n' \"${COMPREPLY[@]}\" | paste -sd' '\n");
    return shell("bash " + directory_ + "/c.sh");
  };
  EXPECT_EQ(completed("kubectl-plimsoll e", 1), "explain events\n");
  EXPECT_EQ(completed("kubectl-plimsoll get -o ''", 3), "wide name json yaml\n");
  EXPECT_EQ(completed("kubectl-plimsoll top --sort-by = m", 4), "mem-psi memory\n");
  EXPECT_EQ(completed("kubectl-plimsoll explain cpu.max", 2), "cpu.max cpu.max.burst\n");
  EXPECT_EQ(completed("kubectl-plimsoll completion ''", 2), "bash zsh fish kubectl\n");
  EXPECT_THAT(completed("kubectl-plimsoll diff --re", 2), HasSubstr("--request-timeout"));
  EXPECT_EQ(completed("kubectl-plimsoll nonsense ''", 2), "\n");
  for (const std::string name : {"bash", "zsh", "fish", "kubectl"})
    EXPECT_THAT(plugin({"completion", name}).out, HasSubstr("kubectl-plimsoll __complete")) << name;
  EXPECT_EQ(plugin({"completion", "csh"}).code, 1);
}

TEST_F(Plugin, ExplainsWithoutAnAgent) {
  EXPECT_THAT(plugin({"explain", "memory.high"}).out, StartsWith("memory.high\n"));
  EXPECT_THAT(plugin({"explain", "--list"}).out, StartsWith("SETTING "));
  EXPECT_THAT(plugin({"explain", "hugetlb.2MB.max", "-o", "json"}).out,
              HasSubstr("\"key\": \"hugetlb.2MB.max\""));
}

constexpr const char* kGood =
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    plimsoll.dev/memory.high: 512Mi\n"
    "spec:\n  containers: [{name: app}]\n";
constexpr const char* kBad =
    "kind: Service\napiVersion: v1\nmetadata: {name: s}\n---\n"
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n"
    "      annotations:\n        plimsoll.dev/memory.hihg: 512Mi\n    spec:\n      containers: [{name: "
    "app}]\n";

TEST_F(Plugin, LintsFilesFoldersAndStandardInput) {
  std::filesystem::create_directories(directory_ + "/m/sub");
  write("m/good.yaml", kGood);
  write("m/sub/bad.yml", kBad);
  write("m/notes.txt", "not: [a manifest");
  const Outcome good = plugin({"lint", "-f", directory_ + "/m/good.yaml"});
  EXPECT_EQ(good.code, 0) << good.out;
  EXPECT_EQ(good.out, "");
  const Outcome folder = plugin({"lint", "-f", directory_ + "/m"});
  EXPECT_EQ(folder.code, 2);
  EXPECT_THAT(folder.out, HasSubstr("sub/bad.yml:12: error: Deployment/web: plimsoll.dev/memory.hihg: "));
  EXPECT_THAT(folder.out, HasSubstr("did you mean memory.high?"));
  EXPECT_EQ(folder.err, "1 error, 0 warnings in 2 pod templates\n");
  const Outcome piped = run(directory_, {{"lint", "-f", "-"}, kBad, {}});
  EXPECT_EQ(piped.code, 2);
  EXPECT_THAT(piped.out, StartsWith("<stdin>:12: error"));
  EXPECT_THAT(plugin({"lint", "-f", directory_ + "/m", "-o", "json"}).out,
              HasSubstr("\"suggestion\": \"memory.high\""));
}

TEST_F(Plugin, SaysWhichFileItCannotRead) {
  const Outcome missing = plugin({"lint", "-f", directory_ + "/gone.yaml"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("gone.yaml"));
  EXPECT_EQ(plugin({"lint"}).code, 1);
  std::filesystem::create_directory(directory_ + "/empty");
  EXPECT_EQ(plugin({"lint", "-f", directory_ + "/empty"}).code, 1);
  write("garbage.yaml", std::string("\x00\xff{[", 4));
  EXPECT_EQ(plugin({"lint", "-f", directory_ + "/garbage.yaml"}).code, 2);
}

}  // namespace
}  // namespace plimsoll::cli

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 3) return 2;
  plimsoll::cli::programs() = {argv[1], argv[2], {}, {}};
  ::signal(SIGPIPE, SIG_IGN);
  return RUN_ALL_TESTS();
}
