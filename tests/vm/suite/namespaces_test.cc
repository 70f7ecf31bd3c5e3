// Sysctls, links and scheduling of pods on a real kernel behind a real containerd.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sstream>
#include <thread>

#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

constexpr char kRules[] = R"(
seccompProfiles:
  no-folders: |
    {"defaultAction": "SCMP_ACT_ALLOW",
     "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
classes:
  server:
    settings: {sysctl.net.core.somaxconn: 2222, sched.policy: "batch:5", ioprio: "be:7"}
rules:
- name: test-may-all
  match: {namespaces: [test]}
  settings: [{key: "*"}]
)";

// Of the network or IPC namespace of a process.
std::string inNamespace(pid_t pid, const char* ns, int flag, const std::string& file) {
  std::string text = "<not read>";
  std::thread([&] {
    const int fd = open(("/proc/" + std::to_string(pid) + "/ns/" + ns).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && setns(fd, flag) == 0) text = fileText(file);
    if (fd >= 0) close(fd);
  }).join();
  return text;
}

std::vector<pid_t> processesOf(const std::string& cgroup) {
  std::vector<pid_t> pids;
  std::istringstream in(fileText(cgroup + "/cgroup.procs"));
  for (pid_t pid; in >> pid;) pids.push_back(pid);
  return pids;
}

// Carries sysctls, io priorities and scheduling policies.
constexpr int kNriCarries = 11;
constexpr int kNriCarriesSeccomp = 10;
constexpr int kNriCarriesNamespaces = 10;

constexpr int kWhoProcess = 1;  // ioprio_get(2)

class Namespaces : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node().configure(kRules);
    ASSERT_TRUE(node().startAgent(kNamespacesManifest));
  }
  // The other tests' agent has fewer capabilities.
  static void TearDownTestSuite() { ASSERT_TRUE(node().startAgent()); }
  void TearDown() override { node().removePods(); }

  static podctl::PodSpec pod(const std::string& name, const std::string& annotations,
                             const std::string& script = "exec sleep 3600") {
    auto spec = node().pod(name, annotations);
    spec.host_network = false;
    spec.containers[0].command = {"sh", "-c", script};
    return spec;
  }
  static std::string logOf(const podctl::StartedPod& pod) {
    std::string log;
    EXPECT_TRUE(
        eventually([&] { return !(log = node().pods().log(node().idOf(pod)).value_or("")).empty(); }));
    return log;
  }
  static pid_t pidOf(const podctl::StartedPod& pod) {
    const auto pids = processesOf(node().cgroupOf(pod));
    return pids.empty() ? 0 : pids.front();
  }
  static std::string somaxconn(const podctl::StartedPod& pod) {
    return inNamespace(pidOf(pod), "net", CLONE_NEWNET, "/proc/sys/net/core/somaxconn");
  }
  static void expectState(const podctl::StartedPod& pod, const std::string& key, v1::SettingState state) {
    const v1::Setting seen = node().setting(node().idOf(pod), key);
    EXPECT_EQ(seen.state(), state) << key << ": " << seen.DebugString();
  }
};

TEST_F(Namespaces, TheFirstInstructionAlreadySeesThem) {
  const std::string host = fileText("/proc/sys/net/core/somaxconn");
  auto started = node().run(pod("sysctls",
                                "plimsoll.dev/sysctl.net.core.somaxconn: '4321', "
                                "plimsoll.dev/sysctl.net.ipv4.ip_local_port_range: '20000 30000', "
                                "plimsoll.dev/sysctl.net.ipv4.ip_local_reserved_ports: '21000-21010,20080', "
                                "plimsoll.dev/sysctl.net.ipv4.conf.all.forwarding: '1', "
                                "plimsoll.dev/sysctl.kernel.shm_rmid_forced: '1', "
                                "plimsoll.dev/sysctl.kernel.sem: '100 3200 16 64', "
                                "plimsoll.dev/net.mtu: '1400', plimsoll.dev/net.txqueuelen: '321'",
                                "cd /proc/sys; echo somaxconn=$(cat net/core/somaxconn) "
                                "ports=$(cat net/ipv4/ip_local_port_range) "
                                "reserved=$(cat net/ipv4/ip_local_reserved_ports) "
                                "forwarding=$(cat net/ipv4/conf/all/forwarding) "
                                "rmid=$(cat kernel/shm_rmid_forced) sem=$(cat kernel/sem) "
                                "mtu=$(cat /sys/class/net/eth0/mtu) "
                                "qlen=$(cat /sys/class/net/eth0/tx_queue_len); exec sleep 3600"));
  ASSERT_TRUE(started.allStarted());
  EXPECT_THAT(logOf(started),
              HasSubstr("somaxconn=4321 ports=20000 30000 reserved=20080,21000-21010 forwarding=1 rmid=1 "
                        "sem=100 3200 16 64 mtu=1400 qlen=321"));
  for (const char* key : {"sysctl.net.core.somaxconn", "sysctl.kernel.sem", "net.mtu", "net.txqueuelen"}) {
    const v1::Setting seen = node().setting(node().idOf(started), key);
    EXPECT_EQ(seen.state(), v1::SETTING_STATE_APPLIED) << seen.DebugString();
    EXPECT_EQ(seen.stage(), v1::STAGE_START) << seen.DebugString();
    EXPECT_TRUE(seen.has_found()) << key;
  }
  EXPECT_EQ(fileText("/proc/sys/net/core/somaxconn"), host);
}

TEST_F(Namespaces, TheNodesOwnAreRefusedWhateverTheRule) {
  const std::string somaxconn_before = fileText("/proc/sys/net/core/somaxconn");
  const std::string sem_before = fileText("/proc/sys/kernel/sem");
  auto spec = pod("host-network",
                  "plimsoll.dev/sysctl.net.core.somaxconn: '77', plimsoll.dev/net.mtu: '1300', "
                  "plimsoll.dev/sysctl.vm.swappiness: '1'");
  spec.host_network = true;
  auto network = node().run(spec);
  expectState(network, "sysctl.net.core.somaxconn", v1::SETTING_STATE_REFUSED);
  expectState(network, "net.mtu", v1::SETTING_STATE_REFUSED);
  auto report = node().container(node().idOf(network));
  ASSERT_TRUE(report);
  ASSERT_EQ(report->problems_size(), 1);
  EXPECT_THAT(report->problems(0).message(), HasSubstr("vm.swappiness is the whole node's"));

  spec = pod("host-ipc", "plimsoll.dev/sysctl.kernel.sem: '1 2 3 4'");
  spec.host_ipc = true;
  auto ipc = node().run(spec);
  expectState(ipc, "sysctl.kernel.sem", v1::SETTING_STATE_REFUSED);
  EXPECT_EQ(fileText("/proc/sys/net/core/somaxconn"), somaxconn_before);
  EXPECT_EQ(fileText("/proc/sys/kernel/sem"), sem_before);
}

TEST_F(Namespaces, SchedulingIsInPlaceAndInherited) {
  auto started =
      node().run(pod("scheduled", "plimsoll.dev/class: server",
                     // Nice and policy of the shell, then of a child that it forked.
                     "echo $(cut -d' ' -f19,41 /proc/$$/stat) $(cut -d' ' -f19,41 /proc/self/stat); "
                     "sleep 3600 & exec sleep 3600"));
  EXPECT_THAT(logOf(started), HasSubstr("5 3 5 3")) << "nice 5, SCHED_BATCH";
  // Where NRI carries them runc sets them after StartContainer, so there we were first.
  expectState(started, "sched.policy", v1::SETTING_STATE_APPLIED);
  expectState(started, "ioprio", v1::SETTING_STATE_APPLIED);
  std::vector<long> priorities;
  ASSERT_TRUE(eventually([&] { return processesOf(node().cgroupOf(started)).size() == 2; }));
  for (pid_t pid : processesOf(node().cgroupOf(started)))
    priorities.push_back(syscall(SYS_ioprio_get, kWhoProcess, pid));
  EXPECT_THAT(priorities, Each((2L << 13) | 7)) << "best effort, level 7";
}

TEST_F(Namespaces, AChangedClassReachesARunningPodAndAWithdrawnOneIsPutBack) {
  auto plain = node().run(pod("plain", ""));
  const std::string before = somaxconn(plain);
  auto started = node().run(pod("live", "plimsoll.dev/class: server"));
  EXPECT_EQ(somaxconn(started), "2222");
  std::string changed = kRules;
  changed.replace(changed.find("2222"), 4, "3333");
  node().configure(changed);
  EXPECT_TRUE(eventually([&] { return somaxconn(started) == "3333"; })) << somaxconn(started);
  node().configure("classes: {server: {settings: {cpu.weight: 50}}}\n");
  EXPECT_TRUE(eventually([&] { return somaxconn(started) == before; })) << somaxconn(started);
  EXPECT_TRUE(eventually([&] { return sched_getscheduler(pidOf(started)) == SCHED_OTHER; }));
  EXPECT_TRUE(eventually([&] { return syscall(SYS_ioprio_get, kWhoProcess, pidOf(started)) == 0; }));
  EXPECT_EQ(somaxconn(plain), before);
  node().configure(kRules);
}

TEST_F(Namespaces, OneContainersKeyForTheWholePodIsAProblem) {
  auto started = node().run(pod("scoped", "app.plimsoll.dev/sysctl.net.core.somaxconn: '9'"));
  auto report = node().container(node().idOf(started));
  ASSERT_TRUE(report);
  ASSERT_EQ(report->problems_size(), 1);
  EXPECT_THAT(report->problems(0).message(), HasSubstr("a pod has one network namespace"));
}

TEST_F(Namespaces, WhatTheKernelLacksIsToldApart) {
  auto started = node().run(pod("lacking", "plimsoll.dev/sysctl.net.ipv4.no_such_thing: '1'"));
  ASSERT_TRUE(started.allStarted());
  expectState(started, "sysctl.net.ipv4.no_such_thing", v1::SETTING_STATE_UNSUPPORTED);
}

// The runtime's NRI carries what the agent may not write itself; else it says which profile may.
// A pod of two containers, of which "app" asks for namespaces of its own. Where the runtime's NRI cannot
// carry that, both share the pod's, and it is said so. `reads_back`: the agent may look at other processes'
// namespaces.
void expectOwnNamespacesOrTold(podctl::PodSpec spec, bool reads_back) {
  spec.containers.push_back(spec.containers.front());
  spec.containers.back().name = "other";
  auto started = node().run(spec);
  ASSERT_TRUE(started.allStarted());
  const bool carried = node().nriMinor() >= kNriCarriesNamespaces;
  const auto namespaceOf = [&](const char* container, const char* ns) {
    const auto pids = processesOf(node().cgroupOf(started, container));
    struct stat info {};
    if (!pids.empty()) stat(("/proc/" + std::to_string(pids.front()) + "/ns/" + ns).c_str(), &info);
    return info.st_ino;
  };
  EXPECT_NE(namespaceOf("app", "ipc"), 0u);
  EXPECT_EQ(namespaceOf("app", "ipc") != namespaceOf("other", "ipc"), carried);
  EXPECT_EQ(namespaceOf("app", "net"), namespaceOf("other", "net")) << "not asked for";
  for (const char* key : {"namespace.ipc", "namespace.pid", "namespace.cgroup"}) {
    const v1::Setting seen = node().setting(node().idOf(started), key);
    EXPECT_EQ(seen.state(), carried ? v1::SETTING_STATE_APPLIED : v1::SETTING_STATE_UNSUPPORTED)
        << seen.DebugString();
    EXPECT_EQ(seen.has_actual(), carried && reads_back) << seen.DebugString();
    if (!carried) {
      EXPECT_THAT(seen.reason(), HasSubstr("carries no namespaces"));
    }
  }
  EXPECT_EQ(node().setting(node().idOf(started, "other"), "namespace.ipc").state(),
            v1::SETTING_STATE_UNSPECIFIED);
}

constexpr char kOwnNamespaces[] =
    "app.plimsoll.dev/namespace.ipc: private, app.plimsoll.dev/namespace.pid: private, "
    "app.plimsoll.dev/namespace.cgroup: private";

TEST_F(Namespaces, OneContainerMayHaveItsOwn) {
  expectOwnNamespacesOrTold(pod("own-namespaces", kOwnNamespaces), true);
}

class NamespacesWithoutCapabilities : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node().configure(kRules);
    ASSERT_TRUE(node().startAgent(kAgentManifest, false));
  }
  static void TearDownTestSuite() { ASSERT_TRUE(node().startAgent()); }
  void TearDown() override { node().removePods(); }

  // The log of a container that does `script` and then sleeps.
  std::string logOf(const std::string& annotations, const std::string& script) {
    auto spec = node().pod("carried", annotations);
    spec.host_network = false;
    spec.containers[0].command = {"sh", "-c", script + "; exec sleep 3600"};
    auto started = node().run(spec);
    EXPECT_TRUE(started.allStarted());
    id_ = node().idOf(started);
    cgroup_ = node().cgroupOf(started);
    std::string log;
    EXPECT_TRUE(eventually([&] { return !(log = node().pods().log(id_).value_or("")).empty(); }));
    return log;
  }
  std::string id_, cgroup_;
};

TEST_F(NamespacesWithoutCapabilities, SchedulingIsCarriedOrToldApart) {
  logOf("plimsoll.dev/sched.policy: 'batch:5', plimsoll.dev/ioprio: 'be:7'", "echo started");
  const bool carried = node().nriMinor() >= kNriCarries;
  for (const char* key : {"sched.policy", "ioprio"}) {
    const v1::Setting seen = node().setting(id_, key);
    EXPECT_EQ(seen.state(), carried ? v1::SETTING_STATE_APPLIED : v1::SETTING_STATE_FAILED)
        << seen.DebugString();
    if (carried) {
      EXPECT_EQ(seen.stage(), v1::STAGE_CREATE) << seen.DebugString();
    }
  }
  const auto pids = processesOf(cgroup_);
  ASSERT_FALSE(pids.empty());
  const int policy = carried ? SCHED_BATCH : SCHED_OTHER;
  EXPECT_TRUE(eventually([&] { return sched_getscheduler(pids.front()) == policy; }));
  const long priority = carried ? (2L << 13) | 7 : 0;
  EXPECT_EQ(syscall(SYS_ioprio_get, kWhoProcess, pids.front()), priority);
}

TEST_F(NamespacesWithoutCapabilities, AFilterIsCarriedOrToldApart) {
  const std::string log = logOf("plimsoll.dev/seccomp.profile: no-folders",
                                "mkdir /tmp/made 2> /dev/null && echo made || echo refused");
  const v1::Setting seen = node().setting(id_, "seccomp.profile");
  if (node().nriMinor() >= kNriCarriesSeccomp) {
    EXPECT_THAT(log, HasSubstr("refused"));
    EXPECT_EQ(seen.state(), v1::SETTING_STATE_APPLIED) << seen.DebugString();
  } else {
    EXPECT_THAT(log, HasSubstr("made"));
    EXPECT_EQ(seen.state(), v1::SETTING_STATE_UNSUPPORTED) << seen.DebugString();
  }
}

TEST_F(NamespacesWithoutCapabilities, AContainersOwnAreCarriedOrToldApart) {
  auto spec = node().pod("own-namespaces", kOwnNamespaces);
  spec.host_network = false;
  expectOwnNamespacesOrTold(spec, false);
}

TEST_F(NamespacesWithoutCapabilities, AreCarriedOrToldApart) {
  const std::string log =
      logOf("plimsoll.dev/sysctl.net.core.somaxconn: '4321'", "cat /proc/sys/net/core/somaxconn");
  const v1::Setting seen = node().setting(id_, "sysctl.net.core.somaxconn");
  if (node().nriMinor() >= kNriCarries) {
    EXPECT_THAT(log, HasSubstr("4321"));
    EXPECT_EQ(seen.stage(), v1::STAGE_CREATE) << seen.DebugString();
    EXPECT_EQ(seen.state(), v1::SETTING_STATE_APPLIED) << seen.DebugString();
    EXPECT_THAT(seen.reason(), HasSubstr("not read back"));
    EXPECT_FALSE(seen.has_actual()) << "not known, and so not shown";
  } else {
    EXPECT_EQ(seen.state(), v1::SETTING_STATE_UNSUPPORTED) << seen.DebugString();
    EXPECT_THAT(seen.reason(), AllOf(HasSubstr("CAP_SYS_"), HasSubstr("profile \"namespaces\"")));
  }
}

}  // namespace
}  // namespace plimsoll::vm
