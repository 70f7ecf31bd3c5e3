// A node for random operations: the files of containers, kept by a fake host or by the real kernel, and what
// they would hold had Plimsoll never been there. Plays the runtime's part towards the cgroups. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "pkg/sys/host_roots.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::integration {

class RandomNode {
 public:
  using Files = std::map<std::string, std::string>;  // file, text

  virtual ~RandomNode() = default;
  virtual sys::HostRoots roots() const = 0;
  // Where the pods' cgroups are, below the mount.
  virtual std::string top() const = 0;
  // Makes the container's cgroup with the kernel's default values.
  virtual void create(const std::string& path) = 0;
  virtual void remove(const std::string& path) = 0;
  // False: the kernel refused.
  virtual bool write(const std::string& path, const std::string& file, const std::string& value) = 0;
  virtual std::string read(const std::string& path, const std::string& file) const = 0;

  // Of files in which a setting of the test can be.
  Files files(const std::string& path) const;
};

std::unique_ptr<RandomNode> fakeNode(testing_support::FakeHost& host);

// Cgroups of a name of ours below the real mount. nullptr: this host is not pure cgroup v2, or we may not.
std::unique_ptr<RandomNode> realNode();

}  // namespace plimsoll::integration
