// A node as the traffic engine meets it: a namespace that stands for the node's own, a bpffs that nobody else
// sees, a pod with containers that have processes. Everything ends with its object. Needs root, cgroup v2
// somewhere, ip(8) and bpf(2).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/netqos/engine.h"
#include "tests/bpf/net.h"
#include "tests/bpf/world.h"
#include "tests/support/planned.h"

namespace plimsoll::testing {

// A process of its own in a cgroup and a network namespace; killed at the end.
class Sleeper {
 public:
  Sleeper(const TestCgroup& cgroup, const Namespace* where);
  Sleeper(const Sleeper&) = delete;
  ~Sleeper();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Runs `work` on a thread in the node's namespace with a bpffs of its own, whose path it is given.
void onNode(const Namespace& node, const std::function<void(const std::string& bpffs)>& work);

// A container: cgroup, process, and how the agent would name it.
struct TestContainer {
  TestContainer(const TestCgroup& pod, const std::string& name, const Namespace* where);
  netqos::Subject subject(bool host_network = false) const;

  const TestCgroup& pod;
  TestCgroup cgroup;
  Sleeper process;
};

netqos::Options optionsFor(const std::string& bpffs, std::vector<std::string> uplinks = {"up0"});

// The state of a setting after applying it, "Applied" or the reason.
std::string apply(netqos::Engine& engine, const netqos::Subject& subject, std::string_view key,
                  std::string_view text);
// What it shows, or the error.
std::string show(netqos::Engine& engine, const netqos::Subject& subject, std::string_view key);

// Output of a shell command in the calling thread's namespaces.
std::string outputOf(const std::string& command);

}  // namespace plimsoll::testing
