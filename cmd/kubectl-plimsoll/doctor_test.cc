#include "cmd/kubectl-plimsoll/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "pkg/sys/unix_socket.h"

namespace plimsoll::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A host of a few files.
class Host {
 public:
  Host() {
    char name[] = "/tmp/plimsoll-doctor-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~Host() { std::filesystem::remove_all(root_); }
  Host& file(const std::string& path, const std::string& text) {
    const std::filesystem::path full = root_ + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
    return *this;
  }
  Host& socket(const std::string& path) {
    const std::filesystem::path full = root_ + path;
    std::filesystem::create_directories(full.parent_path());
    EXPECT_TRUE(sys::listenUnix(full));
    return *this;
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

std::vector<std::string> findings(const std::vector<Check>& checks) {
  std::vector<std::string> out;
  for (const Check& check : checks) {
    if (check.severity == Severity::Ok) continue;
    EXPECT_FALSE(check.why.empty() || check.fix.empty()) << check.name;
    out.push_back(std::string(check.severity == Severity::Error     ? "error "
                              : check.severity == Severity::Warning ? "warning "
                                                                    : "info ") +
                  check.name + ": " + check.found);
  }
  return out;
}

void fillGood(Host& host) {
  host.file("/proc/sys/kernel/osrelease", "6.12.1-amd64\n")
      .file("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n")
      .file("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")
      .socket("/var/run/nri/nri.sock");
}

TEST(Doctor, FindsNothingOnASoundHost) {
  Host host;
  fillGood(host);
  EXPECT_THAT(findings(checkHost(host.root())), IsEmpty());
  EXPECT_FALSE(hasErrors(checkHost(host.root())));
}

TEST(Doctor, SaysWhatAnEmptyHostLacks) {
  Host host;
  EXPECT_THAT(findings(checkHost(host.root())),
              ElementsAre("warning kernel: unknown", "error cgroup: cgroup v1, or not mounted",
                          "error nri: /var/run/nri/nri.sock is not there", "info swap: unknown"));
}

TEST(Doctor, TellsHybridOldAndIncompleteHostsApart) {
  Host host;
  host.file("/proc/sys/kernel/osrelease", "5.10.0\n")
      .file("/sys/fs/cgroup/unified/cgroup.controllers", "\n")
      .file("/proc/swaps", "Filename Type Size Used Priority\n")
      .file("/var/run/nri/nri.sock", "a file, no socket");
  EXPECT_THAT(findings(checkHost(host.root())),
              ElementsAre("warning kernel: 5.10.0", "error cgroup: hybrid: cgroup v1 beside v2",
                          "error nri: /var/run/nri/nri.sock is not there", "info swap: off"));
  Host incomplete;
  fillGood(incomplete);
  incomplete.file("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids cpuset\n");
  EXPECT_THAT(findings(checkHost(incomplete.root())),
              ElementsAre("warning controller: io is missing", "warning controller: hugetlb is missing"));
}

TEST(Doctor, ReadsContainerdsConfiguration) {
  struct Case {
    const char* toml;
    bool socket_there;
    std::vector<std::string> findings;
  } cases[] = {
      {"", true, {}},
      {"[plugins.\"io.containerd.nri.v1.nri\"]\n disable = false\n plugin_request_timeout = \"5s\"\n",
       true,
       {}},
      {"[plugins.'io.containerd.nri.v1.nri']\ndisable = true # why\n",
       false,
       {"error containerd: NRI is disabled in /etc/containerd/config.toml"}},
      {"[plugins.\"io.containerd.nri.v1.nri\"]\n  disable = true\n",
       true,
       {"warning containerd: NRI is disabled in /etc/containerd/config.toml"}},
      {"[plugins.\"io.containerd.nri.v1.nri\"]\ndisable_connections = true\n",
       true,
       {"error containerd: disable_connections = true"}},
      {"plugin_request_timeout = \"5s\"\n[plugins]\n[plugins.\"io.containerd.grpc.v1.cri\"]\n"
       "  plugin_registration_timeout = \"9s\"\n",
       true,
       {"warning containerd: plugin_request_timeout stands in the top level",
        "warning containerd: plugin_registration_timeout stands in [plugins.\"io.containerd.grpc.v1.cri\"]"}},
      {"[other]\ndisable = true\n# [plugins.\"io.containerd.nri.v1.nri\"]\n\xff\xfe = = [\n[", true, {}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(findings(checkContainerdConfig(c.toml, c.socket_there)), c.findings) << c.toml;
}

TEST(Doctor, PassesOnWhatTheAgentSays) {
  EXPECT_THAT(findings(checkAgent(base::error(base::ErrorCode::Unavailable, "nobody there"), "1")),
              ElementsAre("error agent: nobody there"));
  plimsoll::v1::Node node;
  node.set_agent_version("1");
  node.mutable_runtime()->set_connected(true);
  EXPECT_THAT(findings(checkAgent(node, "1")), IsEmpty());
  node.mutable_runtime()->set_connected(false);
  node.mutable_runtime()->set_problem("no socket");
  node.mutable_configuration()->set_problem("line 3: bad");
  node.add_unsupported()->set_key("cpu.idle");
  node.mutable_unsupported(0)->set_reason("needs Linux 5.15");
  EXPECT_THAT(
      findings(checkAgent(node, "2")),
      ElementsAre("warning agent: version 1, this plugin is 2", "error runtime: not connected: no socket",
                  "error config: line 3: bad", "info setting: cpu.idle is not supported here"));
}

}  // namespace
}  // namespace plimsoll::cli
