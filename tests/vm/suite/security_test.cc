// The agent as it is confined here: what it holds, and that it was never refused anything.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "pkg/sandbox/sandbox.h"
#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Every thread's; a library may have started one before the agent confined itself.
std::set<std::string> ofAllThreads(int pid, const std::string& name) {
  std::set<std::string> values;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::istringstream lines(fileText(task.path() / "status"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + ":\t")) values.insert(line.substr(name.size() + 2));
    }
  }
  return values;
}

// The kernel's messages of refused system calls, of programs whose path has `program` in it.
std::vector<std::string> refusals(const std::string& program) {
  std::vector<std::string> lines;
  int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return {"cannot read /dev/kmsg"};
  char record[8192];
  for (;;) {
    ssize_t n = read(fd, record, sizeof record);
    if (n < 0 && errno == EPIPE) continue;  // the oldest were overwritten
    if (n <= 0) break;
    std::string line(record, static_cast<size_t>(n));
    if (line.find("type=1326") != std::string::npos && line.find(program) != std::string::npos)
      lines.push_back(line.substr(0, line.find('\n')));
  }
  close(fd);
  return lines;
}

class Security : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node().configure("");
    ASSERT_TRUE(node().startAgent());
  }
  void TearDown() override { node().removePods(); }
};

TEST_F(Security, TheAgentHoldsExactlyItsProfileAndCannotGetMore) {
  int pid = node().agentPid();
  ASSERT_GT(pid, 0);
  const std::vector<std::string> names = securityProfiles();
  char expected[17];
  snprintf(expected, sizeof expected, "%016llx",
           static_cast<unsigned long long>(sandbox::needsOf(names)->capabilities.bits()));
  for (const char* set : {"CapEff", "CapPrm", "CapBnd"}) {
    EXPECT_THAT(ofAllThreads(pid, set), ElementsAre(expected)) << set;
  }
  for (const char* set : {"CapInh", "CapAmb"}) {
    EXPECT_THAT(ofAllThreads(pid, set), ElementsAre("0000000000000000")) << set;
  }
  EXPECT_THAT(ofAllThreads(pid, "NoNewPrivs"), ElementsAre("1"));
  EXPECT_THAT(ofAllThreads(pid, "Seccomp"), ElementsAre("2"));
}

TEST_F(Security, ItsRootCannotBeWritten) {
  std::string mounts = fileText("/proc/" + std::to_string(node().agentPid()) + "/mountinfo");
  std::istringstream lines(mounts);
  std::string line, options;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    fields >> id >> parent >> device >> root >> point >> options;
    if (point == "/") break;
  }
  EXPECT_THAT(options, testing::StartsWith("ro")) << mounts;
}

// The next test can only mean something if this one passes.
TEST_F(Security, ARefusedCallLeavesALineInTheKernelsLog) {
  pid_t child = fork();
  if (child == 0) {
    auto inside = sandbox::enter({.profiles = {"core"}, .seccomp = sandbox::SeccompMode::Enforce});
    _exit(inside && syscall(SYS_getsid, 0) < 0 && errno == EPERM ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(eventually([] { return !refusals("vm_suite").empty(); }, std::chrono::seconds(5)));
}

// After every other test.
class NothingRefused : public testing::Environment {
 public:
  void TearDown() override {
    EXPECT_THAT(refusals("plimsolld"), IsEmpty()) << "a system call is not on the list";
  }
};
const auto* const kAtTheEnd = testing::AddGlobalTestEnvironment(new NothingRefused);

}  // namespace
}  // namespace plimsoll::vm
