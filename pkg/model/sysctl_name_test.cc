#include "pkg/model/sysctl_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::model {
namespace {

using ::testing::HasSubstr;

TEST(SysctlName, BothFormsAreOneName) {
  struct Case {
    const char *written, *dotted, *path;
  };
  const Case cases[] = {
      {"net.core.somaxconn", "net.core.somaxconn", "net/core/somaxconn"},
      {"net/core/somaxconn", "net.core.somaxconn", "net/core/somaxconn"},
      {"net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.eth0.rp_filter", "net/ipv4/conf/eth0/rp_filter"},
      {"net/ipv4/conf/eth0.100/rp_filter", "net.ipv4.conf.eth0/100.rp_filter",
       "net/ipv4/conf/eth0.100/rp_filter"},
      {"net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.eth0/100.rp_filter",
       "net/ipv4/conf/eth0.100/rp_filter"},
      {"kernel.shm_rmid_forced", "kernel.shm_rmid_forced", "kernel/shm_rmid_forced"},
  };
  for (const Case& c : cases) {
    auto dotted = canonicalSysctl(c.written);
    ASSERT_TRUE(dotted) << c.written;
    EXPECT_EQ(*dotted, c.dotted);
    EXPECT_EQ(sysctlPath(*dotted), c.path);
    EXPECT_EQ(canonicalSysctl(*dotted), dotted) << "the canonical form is its own";
  }
}

TEST(SysctlName, TakesNothingThatCouldLeaveItsDirectory) {
  for (const char* name : {"",
                           ".",
                           "..",
                           "/",
                           "net",
                           "net.",
                           ".net.core",
                           "net..core",
                           "net//core",
                           "/net/core",
                           "net/core/",
                           "net/../kernel/sem",
                           "net/./core",
                           "net.core.",
                           "net.ipv4.//.x",
                           "net.ipv4.conf./.x",
                           "net.Core.x",
                           "net.core.a b",
                           "net.core.\n",
                           "net.core.x;y",
                           "net.core.%s",
                           "net.ipv4.conf.//../x",
                           "net.ipv4.///",
                           "net.ipv4.conf.//.forwarding"}) {
    EXPECT_FALSE(canonicalSysctl(name)) << name << " -> " << canonicalSysctl(name).value_or("");
  }
  EXPECT_FALSE(canonicalSysctl("net." + std::string(200, 'a')));
  EXPECT_FALSE(canonicalSysctl(std::string_view("net.core\0.x", 11)));
  for (const char* name : {"net.ipv4.conf.a//b.x", "net.ipv4.a/./b"}) {
    // Dots within a component are harmless: "a..b" is a name like any other.
    EXPECT_EQ(sysctlPath(canonicalSysctl(name).value_or("")).find("/../"), std::string::npos);
  }
}

TEST(SysctlName, KnowsWhatIsTheNodes) {
  for (const char* name : {"vm.swappiness",
                           "kernel.panic",
                           "kernel.core_pattern",
                           "kernel.hostname",
                           "kernel.shm",
                           "kernel.sem.x",
                           "fs.file-max",
                           "fs.mqueue",
                           "fs.mqueue.x",
                           "net.core.rmem_max",
                           "net.core.wmem_max",
                           "net.core.bpf_jit_enable",
                           "net.core.netdev_max_backlog",
                           "net.ipv4.tcp_mem",
                           "net.ipv4.udp_mem",
                           "net.netfilter.nf_conntrack_max",
                           "net.nf_conntrack_max",
                           "net.netfilter.nf_hooks_lwtunnel",
                           "net.ipv4.",
                           "net.vsock.x",
                           "dev.raid.x",
                           "user.max_user_namespaces"}) {
    auto dotted = canonicalSysctl(name);
    if (!dotted) continue;
    EXPECT_FALSE(sysctlNamespace(*dotted)) << name;
    EXPECT_FALSE(namespacedSysctl(name)) << name;
    EXPECT_FALSE(findSetting("sysctl." + std::string(name))) << name;
    EXPECT_THAT(whyNoSysctl(name), HasSubstr("is the whole node's")) << name;
  }
}

TEST(SysctlName, KnowsWhichNamespace) {
  EXPECT_EQ(sysctlNamespace("net.core.somaxconn"), ActsIn::NetworkNamespace);
  EXPECT_EQ(sysctlNamespace("net.ipv6.conf.all.forwarding"), ActsIn::NetworkNamespace);
  EXPECT_EQ(sysctlNamespace("net.unix.max_dgram_qlen"), ActsIn::NetworkNamespace);
  EXPECT_EQ(sysctlNamespace("kernel.sem"), ActsIn::IpcNamespace);
  EXPECT_EQ(sysctlNamespace("fs.mqueue.queues_max"), ActsIn::IpcNamespace);
}

TEST(SysctlName, FindsTheFreeRowOnlyWhereNoOtherFits) {
  auto own = findSetting("sysctl.net/core/somaxconn");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->key, "sysctl.net.core.somaxconn");
  EXPECT_EQ(own->spec->key, "sysctl.net.core.somaxconn");
  EXPECT_EQ(own->file, "net/core/somaxconn");
  auto other = findSetting("sysctl.net.ipv4.conf.eth0/100.rp_filter");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->spec->key, "sysctl.<name>");
  EXPECT_EQ(other->file, "net/ipv4/conf/eth0.100/rp_filter");
  EXPECT_TRUE(isPodWide(*other));
  EXPECT_FALSE(isPodWide(*findSetting("sched.policy")));
  EXPECT_FALSE(findSetting("sysctl."));
  EXPECT_FALSE(findSetting("sysctl.<name>"));
  EXPECT_EQ(actsIn(*findSetting("net.mtu")), ActsIn::NetworkNamespace);
  EXPECT_EQ(actsIn(*findSetting("ioprio")), ActsIn::Process);
  EXPECT_EQ(actsIn(*findSetting("cpu.max")), ActsIn::Cgroup);
  EXPECT_EQ(actsIn(*findSetting("class")), ActsIn::Nothing);
}

// Every row of the table with a name of its own says where it acts as its name does.
TEST(SysctlName, RowsAndNamesAgree) {
  for (const SettingSpec& spec : settingsTable()) {
    if (spec.target != Target::Sysctl) continue;
    for (const std::string& key : concreteKeys(spec)) {
      const std::string name = key.substr(7);
      auto found = findSetting(key);
      ASSERT_TRUE(found) << key;
      EXPECT_EQ(found->file, sysctlPath(name));
      EXPECT_EQ(sysctlNamespace(name), actsIn(*found)) << name;
    }
  }
}

}  // namespace
}  // namespace plimsoll::model
