#include "cmd/plimsolld/node_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "cmd/plimsolld/options.h"
#include "cmd/plimsolld/release.h"
#include "pkg/journal/journal.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::agent {
namespace {

using testing::HasSubstr;

struct Ran {
  int exit_code = -1;
  std::string out, err;
};

Ran expect(const testing_support::FakeCgroup& cgroup, const std::vector<std::string>& wanted) {
  std::ostringstream out, err;
  Ran ran;
  ran.exit_code = runExpect(wanted, cgroup.directory(), out, err);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

TEST(Expect, ShowsEveryFileAndSaysWhichDiffers) {
  testing_support::FakeHost host;
  auto cgroup = host.container("/kubepods/pod0/app");
  cgroup.file("memory.high", "67108864\n");
  cgroup.file("pids.max", "max\n");
  EXPECT_EQ(expect(cgroup, {"memory.high=67108864", "pids.max=max"}).exit_code, kExitOk);
  const Ran differs = expect(cgroup, {"memory.high=67108864", "pids.max=100"});
  EXPECT_EQ(differs.exit_code, kExitFailure);
  EXPECT_EQ(differs.out,
            "FILE          WANTED     FOUND      RESULT\n"
            "memory.high   67108864   67108864   as wanted\n"
            "pids.max      100        max        DIFFERS\n");
}

TEST(Expect, AMissingFileIsUnknownAndNotAsWanted) {
  testing_support::FakeHost host;
  auto cgroup = host.container("/kubepods/pod0/app");
  const Ran ran = expect(cgroup, {"memory.none="});
  EXPECT_EQ(ran.exit_code, kExitFailure);
  EXPECT_THAT(ran.out, HasSubstr("<unknown>: No such file or directory"));
}

TEST(Expect, TakesPlainFileNamesOnly) {
  testing_support::FakeHost host;
  auto cgroup = host.container("/kubepods/pod0/app");
  for (const char* wrong : {"memory.high", "=1", "../x=1", "a/b=1", ".hidden=1"})
    EXPECT_EQ(expect(cgroup, {wrong}).exit_code, kExitUsage) << wrong;
}

TEST(Hold, EndsAtSigterm) {
  const pid_t child = fork();
  if (child == 0) {
    std::ostringstream err;
    _exit(runHold(err));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, WNOHANG), 0) << "it did not stay";
  kill(child, SIGTERM);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kExitOk) << status;
}

TEST(Release, WaitsForAnAgentThatIsEnding) {
  testing_support::FakeHost host;
  AgentOptions agent;
  agent.roots = host.roots();
  agent.state_dir = host.directory() + "/state";
  agent.bpffs = host.directory() + "/bpf";
  auto held = *journal::Journal::open({.dir = agent.state_dir});
  std::ostringstream out, err;
  EXPECT_EQ(runRelease(agent, {}, out, err), kExitBusy);
  std::thread ending([&held] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    held.reset();
  });
  EXPECT_EQ(runRelease(agent, {.wait_seconds = 20}, out, err), kExitOk) << err.str();
  ending.join();
}

}  // namespace
}  // namespace plimsoll::agent
