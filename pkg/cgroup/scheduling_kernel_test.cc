// Scheduling policy and io priority of all threads of a cgroup's processes, against the kernel itself. Needs
// root and a cgroup2 mount; makes /plimsoll-sched-<pid> there and removes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "pkg/cgroup/access.h"
#include "pkg/cgroup/scheduling.h"
#include "tests/support/fake_host/fake_host.h"
#include "tests/support/planned.h"
#include "tests/support/real_cgroups.h"

namespace plimsoll::cgroup {
namespace {

namespace fs = std::filesystem;
using mechanism::Applied;
using model::PlannedSetting;
using model::State;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;
using testing_support::cgroup2Mount;
using testing_support::onlyCgroup2;
using testing_support::planned;

// A process of the cgroup; `work` is what it does, with a pipe on which each 'x' is a request to it.
class Child {
 public:
  Child(const std::string& cgroup_directory, const std::function<void(int requests, int answers)>& work) {
    int requests[2], answers[2];
    if (pipe(requests) != 0 || pipe(answers) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::ofstream(cgroup_directory + "/cgroup.procs") << getpid();
      ::close(requests[1]);
      work(requests[0], answers[1]);
      for (;;) pause();
    }
    ::close(requests[0]);
    ::close(answers[1]);
    to_ = base::UniqueFd(requests[1]);
    from_ = base::UniqueFd(answers[0]);
  }
  Child(const Child&) = delete;
  ~Child() { end(); }
  pid_t pid() const { return pid_; }
  bool ask() const { return write(to_.get(), "x", 1) == 1 && hear(); }
  bool hear() const {
    char byte;
    return read(from_.get(), &byte, 1) == 1;
  }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  base::UniqueFd to_, from_;
};

void answer(int answers) {
  if (write(answers, "y", 1) != 1) _exit(1);
}

// Three threads; asked, it forks a child that stays and starts a fourth thread.
void threeThreads(int requests, int answers) {
  for (int i = 0; i < 2; ++i) std::thread([] { pause(); }).detach();
  answer(answers);
  char byte;
  if (read(requests, &byte, 1) != 1) _exit(1);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  std::thread([] { pause(); }).detach();
  answer(answers);
}

class SchedulingTest : public testing::Test {
 protected:
  void SetUp() override {
    mount_ = cgroup2Mount();
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    if (mount_.empty()) GTEST_SKIP() << "no cgroup v2 is mounted";
    path_ = "/plimsoll-sched-" + std::to_string(getpid());
    directory_ = mount_ + path_;
    ASSERT_TRUE(fs::create_directory(directory_));
    host_.proc("self/mountinfo", onlyCgroup2(mount_));
    auto hierarchy = Hierarchy::open({.cgroup = mount_, .proc = host_.roots().proc, .sys = "/sys"});
    ASSERT_TRUE(hierarchy) << hierarchy.error().message;
    hierarchy_.emplace(*std::move(hierarchy));
    auto cgroup = ContainerCgroup::open(*hierarchy_, path_);
    ASSERT_TRUE(cgroup);
    cgroup_.emplace(*std::move(cgroup));
  }
  void TearDown() override {
    if (directory_.empty()) return;
    for (int i = 0; i < 100 && rmdir(directory_.c_str()) != 0 && errno == EBUSY; ++i) usleep(10'000);
    EXPECT_FALSE(fs::exists(directory_)) << "left behind: " << directory_;
  }

  Applied apply(const PlannedSetting& setting, pid_t pid) {
    return mechanism::applySetting(ProcessAccess(*cgroup_, roots_, pid), setting);
  }
  std::vector<pid_t> pids() { return cgroup_->pids().value(); }
  // What every thread of every process of the cgroup has.
  std::vector<std::string> everywhere(const std::string& key) {
    std::vector<std::string> texts;
    const PlannedSetting setting = planned(key, key == "ioprio" ? "be:4" : "other");
    const model::SettingSpec& spec = *setting.request.setting.spec;
    for (pid_t pid : pids()) {
      for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        const pid_t tid = std::stoi(task.path().filename());
        const model::Value value =
            key == "ioprio" ? model::Value(*ioPriorityOf(tid)) : model::Value(*schedulerOf(tid));
        texts.push_back(model::formatValue(spec, value));
      }
    }
    return texts;
  }

  testing_support::FakeHost host_;
  sys::HostRoots roots_;
  std::string mount_, path_, directory_;
  std::optional<Hierarchy> hierarchy_;
  std::optional<ContainerCgroup> cgroup_;
};

TEST_F(SchedulingTest, ReachesEveryThreadAndIsInherited) {
  Child child(directory_, threeThreads);
  ASSERT_TRUE(child.hear());
  for (const auto& [key, value] : {std::pair{"ioprio", "be:7"}, {"sched.policy", "batch:5"}}) {
    const Applied applied = apply(planned(key, value), child.pid());
    EXPECT_EQ(applied.state, State::Applied) << key << ": " << applied.reason;
    EXPECT_TRUE(applied.written);
    EXPECT_THAT(everywhere(key), SizeIs(3)) << key;
    EXPECT_THAT(everywhere(key), Each(std::string(value))) << key;
    EXPECT_FALSE(apply(planned(key, value), child.pid()).written) << "once more, and nothing is to do";
  }
  ASSERT_TRUE(child.ask());
  for (const auto& [key, value] : {std::pair{"ioprio", "be:7"}, {"sched.policy", "batch:5"}}) {
    EXPECT_THAT(everywhere(key), SizeIs(5)) << "a fourth thread and a child";
    EXPECT_THAT(everywhere(key), Each(std::string(value))) << key;
  }
  for (pid_t pid : pids()) {
    if (pid != child.pid()) kill(pid, SIGKILL);
  }
}

TEST_F(SchedulingTest, EveryPolicyAndClassIsReadBack) {
  Child child(directory_, threeThreads);
  ASSERT_TRUE(child.hear());
  for (const char* value : {"idle", "batch:3", "other:-5", "fifo:7", "rr:8", "other"}) {
    const Applied applied = apply(planned("sched.policy", value), child.pid());
    EXPECT_EQ(applied.state, State::Applied) << value << ": " << applied.reason;
    EXPECT_EQ(applied.actual, value);
  }
  for (const char* value : {"idle", "be:0", "rt:3", "none"}) {
    const Applied applied = apply(planned("ioprio", value), child.pid());
    EXPECT_EQ(applied.state, State::Applied) << value << ": " << applied.reason;
    EXPECT_EQ(applied.actual, value);
  }
}

TEST_F(SchedulingTest, ADeadlineIsTheFirstThreadsOnly) {
  Child child(directory_, threeThreads);
  ASSERT_TRUE(child.hear());
  const Applied applied = apply(planned("sched.policy", "deadline:1ms/10ms/10ms"), child.pid());
  if (applied.error_number == EPERM || applied.error_number == EBUSY)
    GTEST_SKIP() << "this machine has no room for a deadline: " << applied.reason;
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  EXPECT_THAT(everywhere("sched.policy"),
              testing::UnorderedElementsAre("deadline:1ms/10ms/10ms", "other", "other"));
  ASSERT_TRUE(child.ask()) << "it may fork";
  EXPECT_EQ(apply(planned("sched.policy", "deadline:1ms/10ms/10ms"), child.pid()).written, false);
  EXPECT_EQ(apply(planned("sched.policy", "other"), child.pid()).state, State::Applied);
  EXPECT_THAT(everywhere("sched.policy"), Each("other"));
  for (pid_t pid : pids()) {
    if (pid != child.pid()) kill(pid, SIGKILL);
  }
}

// Starts threads for as long as it lives, up to a few hundred.
void manyThreads(int, int answers) {
  answer(answers);
  for (int i = 0; i < 300; ++i) {
    std::thread([] { pause(); }).detach();
    usleep(200);
  }
  answer(answers);
}

TEST_F(SchedulingTest, CatchesUpWithAProcessThatStartsThreads) {
  Child child(directory_, manyThreads);
  ASSERT_TRUE(child.hear());
  usleep(5'000);
  const Applied applied = apply(planned("sched.policy", "batch:7"), child.pid());
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  ASSERT_TRUE(child.hear());
  EXPECT_THAT(everywhere("sched.policy"), SizeIs(301));
  EXPECT_THAT(everywhere("sched.policy"), Each("batch:7"));
}

TEST_F(SchedulingTest, WhatAThreadChangedForItselfIsSeen) {
  Child child(directory_, threeThreads);
  ASSERT_TRUE(child.hear());
  PlannedSetting setting = planned("sched.policy", "batch");
  mechanism::record(apply(setting, child.pid()), setting);
  ASSERT_TRUE(setScheduler(child.pid(), model::Scheduler{model::SchedulingPolicy::Other, 3}));
  const Applied seen = mechanism::observeSetting(ProcessAccess(*cgroup_, roots_, child.pid()), setting);
  EXPECT_EQ(seen.state, State::Drifted);
  EXPECT_EQ(seen.actual, "other:3");
}

TEST_F(SchedulingTest, AProcessElsewhereIsLeftAlone) {
  Child child(directory_, threeThreads);
  ASSERT_TRUE(child.hear());
  const auto before = schedulerOf(getpid());
  auto process = Process::open(roots_, getpid(), path_);
  EXPECT_FALSE(process);
  EXPECT_EQ(apply(planned("sched.policy", "batch"), getpid()).state, State::Applied);
  EXPECT_EQ(*schedulerOf(getpid()), *before);
}

TEST_F(SchedulingTest, AnEmptyCgroupIsGoneAndNotFailed) {
  const Applied applied = apply(planned("sched.policy", "batch"), 0);
  EXPECT_TRUE(applied.gone);
  Child child(directory_, threeThreads);
  ASSERT_TRUE(child.hear());
  auto process = Process::open(roots_, child.pid(), path_);
  ASSERT_TRUE(process);
  child.end();
  EXPECT_TRUE(process->forEachThread([](pid_t) { return base::ok(); }).error().isGone());
  EXPECT_TRUE(schedulerOf(999'999'999).error().isGone());
  EXPECT_TRUE(setIoPriority(999'999'999, {}).error().isGone());
}

// What an agent without capabilities sees of processes that run as another user.
TEST_F(SchedulingTest, WithoutTheCapabilityItSaysWhich) {
  Child child(directory_, [](int requests, int answers) {
    if (setresuid(1000, 1000, 1000) != 0) _exit(1);
    threeThreads(requests, answers);
  });
  ASSERT_TRUE(child.hear());
  const pid_t agent = fork();
  if (agent == 0) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capset, &header, data) != 0) _exit(2);
    const Applied refused = apply(planned("sched.policy", "batch"), child.pid());
    _exit(refused.error_number == EPERM && refused.reason.find("CAP_SYS_NICE") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  waitpid(agent, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace plimsoll::cgroup
