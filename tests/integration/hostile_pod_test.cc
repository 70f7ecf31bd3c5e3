// What a pod's author can write, against the whole agent: no text of a pod reaches a path, a line of the log,
// a terminal, or another pod's files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/integration/agent_process.h"
#include "tests/support/fake_runtime/fake_runtime.h"

namespace plimsoll::integration {
namespace {

using fake::FakeRuntime;
using testing_support::FakeHost;
namespace api = nri::api;
namespace fs = std::filesystem;

constexpr char kCanary[] = "as it was\n";

class HostilePod : public testing::Test {
 protected:
  HostilePod() {
    char name[] = "/tmp/plimsoll-hostile-XXXXXX";
    directory_ = mkdtemp(name);
    host_.container("/kubepods");
    victim_ = host_.directory() + "/victim";
    fs::create_directories(victim_);
    for (const char* file : kFiles) std::ofstream(victim_ + "/" + file) << kCanary;
    // Another pod, and a process of it.
    neighbour_.emplace(host_.container("/kubepods/neighbour/c9"));
    for (const char* file : kFiles) neighbour_->file(file, kCanary);
    host_.process(99, "/kubepods/neighbour/c9");
    agent_.emplace(host_, directory_);
    std::ofstream(agent_->configFile()) << "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n"
                                           "rules: [{name: all, settings: [{key: \"*\"}]}]\n";
    runtime_.emplace(agent_->nriSocket(), fake::likeContainerd219());
    agent_->start();
    EXPECT_TRUE(runtime_->waitForPlugins(1)) << agent_->log();
  }
  ~HostilePod() override {
    agent_.reset();
    fs::remove_all(directory_);
  }

  static constexpr const char* kFiles[] = {"memory.high", "memory.max", "cpu.weight", "pids.max",
                                           "memory.oom.group"};

  api::PodSandbox pod(const std::string& id) {
    api::PodSandbox pod;
    pod.set_id(id);
    pod.set_name("web");
    pod.set_namespace_("shop");
    pod.mutable_linux()->set_cgroup_parent("/kubepods/podu1");
    auto& annotations = *pod.mutable_annotations();
    annotations["plimsoll.dev/memory.high"] = "64Mi";
    annotations["plimsoll.dev/cpu.weight"] = "77";
    annotations["plimsoll.dev/pids.max"] = "77";
    annotations["plimsoll.dev/oom.score-adj"] = "500";
    return pod;
  }
  // The whole way of one container, whatever the answers are.
  void live(const api::PodSandbox& sandbox, const std::string& cgroups_path, uint32_t pid) {
    api::Container container;
    container.set_id("c-" + sandbox.id());
    container.set_pod_sandbox_id(sandbox.id());
    container.set_name("app");
    container.mutable_linux()->set_cgroups_path(cgroups_path);
    (void)runtime_->createContainer(sandbox, container);
    container.set_pid(pid);
    (void)runtime_->notify(api::EVENT_START_CONTAINER, sandbox, container);
  }
  void expectVictimsUntouched(const std::string& what) {
    for (const char* file : kFiles) {
      std::ostringstream text;
      text << std::ifstream(victim_ + "/" + file).rdbuf();
      EXPECT_EQ(text.str(), kCanary) << file << " by " << what;
      EXPECT_EQ(neighbour_->text(file), kCanary) << file << " by " << what;
    }
    EXPECT_EQ(host_.procText("99/oom_score_adj"), "0\n") << "by " << what;
  }
  void expectLogIsOurs() {
    static const std::regex line_form("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z (debug|info|warn|error) .*");
    std::istringstream lines(agent_->log());
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(std::regex_match(line, line_form)) << "a line that is not ours: " << line;
      EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](unsigned char c) {
        return c < 0x20 || c == 0x7f;
      })) << line;
    }
  }

  FakeHost host_;
  std::string directory_, victim_;
  std::optional<testing_support::FakeCgroup> neighbour_;
  std::optional<AgentProcess> agent_;
  std::optional<FakeRuntime> runtime_;
};

TEST_F(HostilePod, NoCgroupsPathLeavesTheTree) {
  fs::create_directory_symlink(victim_, host_.roots().cgroup + "/kubepods/link");
  fs::create_directory_symlink("../..", host_.roots().cgroup + "/kubepods/up");
  fs::create_directory_symlink("neighbour", host_.roots().cgroup + "/kubepods/alias");
  int number = 0;
  for (const std::string& path :
       {std::string("/../victim"), std::string("../victim"), std::string("/kubepods/../../victim"),
        std::string("/kubepods/link"), std::string("/kubepods/up/victim"), std::string("/kubepods/alias/c9"),
        std::string("/kubepods/./neighbour/c9"), std::string("/kubepods//neighbour/c9"), "/" + victim_,
        std::string("../victim:x:y"), std::string("kubepods.slice:../../victim:"),
        std::string("-.slice:..:victim"), std::string("/kubepods/neighbour/c9\n"),
        std::string("/kubepods/neighbour/c9\0", 23), std::string("/proc/self/root") + victim_,
        std::string(5000, 'a'), std::string("/"), std::string()}) {
    live(pod("s" + std::to_string(++number)), path, 4711);
    expectVictimsUntouched("cgroups_path " + testing::PrintToString(path));
  }
  auto honest = host_.container("/kubepods/podu1/c1");
  host_.process(4711, "/kubepods/podu1/c1");
  live(pod("honest"), "/kubepods/podu1/c1", 4711);
  EXPECT_EQ(honest.text("memory.high"), "67108864\n") << "the agent is at work";
  expectLogIsOurs();
}

// A number that was taken over by another pod's process.
TEST_F(HostilePod, AProcessOfAnotherCgroupIsNotTouched) {
  host_.container("/kubepods/podu1/mine");
  live(pod("s1"), "/kubepods/podu1/mine", 99);
  expectVictimsUntouched("a pid of the neighbour's");
}

TEST_F(HostilePod, NoTextOfAPodBreaksALogLineOrATerminal) {
  const std::string forged = "x\n2026-01-01T00:00:00.000Z error forged pod=kube-system/admin";
  const std::string terminal = "\x1b]0;owned\x07\x1b[2J\r\b";
  auto cgroup = host_.container("/kubepods/podu1/c1");
  host_.process(4711, "/kubepods/podu1/c1");
  int number = 0;
  for (const std::string& text : {forged, terminal, std::string("%s%n%x{}"), std::string("\xff\xfe\xc0\x80"),
                                  std::string("a\0b", 3), std::string(300'000, 'A')}) {
    api::PodSandbox sandbox = pod("s" + std::to_string(++number));
    // Protobuf's strings are UTF-8; a runtime that sends others sends nothing that can be read.
    bool utf8 = text[0] != '\xff';
    if (utf8 && text.size() < 1000) {
      sandbox.set_name("n" + text);
      sandbox.set_namespace_("s" + text);
    }
    if (utf8) {
      auto& annotations = *sandbox.mutable_annotations();
      annotations["plimsoll.dev/memory.low" + text.substr(0, 1000)] = "1Mi";
      annotations["plimsoll.dev/memory.min"] = text;
      annotations["plimsoll.dev/policy"] = "settings: {memory.high: \"" + text + "\"}\n" + text;
      annotations[text.substr(0, 1000) + ".plimsoll.dev/memory.high"] = "1Mi";
    }
    live(sandbox, "/kubepods/podu1/c1", 4711);
    for (const auto& command :
         {std::vector<std::string>{"get", "-A"}, {"events", "-A"}, {"describe", "web", "-n", "shop"}}) {
      Finished shown = agent_->kubectl(command);
      auto bad = std::find_if(shown.output.begin(), shown.output.end(),
                              [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
      EXPECT_EQ(bad, shown.output.end())
          << command[0] << " shows a control character after " << std::string(shown.output.begin(), bad);
      EXPECT_EQ(shown.output.find("\n2026-01-01T00:00:00.000Z error forged"), std::string::npos)
          << shown.output;
    }
  }
  expectLogIsOurs();
  EXPECT_NE(agent_->log().find("error forged pod=kube-system"), std::string::npos) << "it did reach the log";
  EXPECT_EQ(cgroup.text("memory.high").find('A'), std::string::npos);
}

// What is written is made from the parsed number; a second value behind a line end is not a value.
TEST_F(HostilePod, NoTextOfAPodReachesAControlFile) {
  auto cgroup = host_.container("/kubepods/podu1/c1");
  host_.process(4711, "/kubepods/podu1/c1");
  int number = 0;
  for (const std::string& value :
       {std::string("1\n2"), std::string("max\n"), std::string("1 2"), std::string("1;2"),
        std::string("0x40"), std::string("1e3"), std::string("99999999999999999999999"), std::string("-5"),
        std::string("$(id)"), std::string("")}) {
    api::PodSandbox sandbox = pod("s" + std::to_string(++number));
    (*sandbox.mutable_annotations())["plimsoll.dev/memory.max"] = value;
    (*sandbox.mutable_annotations())["plimsoll.dev/pids.max"] = value;
    cgroup.file("memory.max", "max\n").file("pids.max", "max\n");
    live(sandbox, "/kubepods/podu1/c1", 4711);
    for (const char* file : {"memory.max", "pids.max"}) {
      EXPECT_TRUE(std::regex_match(cgroup.text(file), std::regex("(max|[0-9]+)\n")))
          << value << ": " << cgroup.text(file);
    }
  }
  expectLogIsOurs();
}

}  // namespace
}  // namespace plimsoll::integration
