#include "tests/integration/random_node.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "pkg/base/unique_fd.h"
#include "pkg/cgroup/hierarchy.h"
#include "pkg/sys/file.h"

namespace plimsoll::integration {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFiles[] = {"cpu.weight", "cpu.max",        "cpu.idle",    "cpu.max.burst",
                                  "memory.min", "memory.low",     "memory.high", "memory.max",
                                  "pids.max",   "memory.swap.max"};

class FakeNode final : public RandomNode {
 public:
  // The agent looks at the top for what containers have here.
  explicit FakeNode(testing_support::FakeHost& host) : host_(host) { host_.container(top()); }
  sys::HostRoots roots() const override { return host_.roots(); }
  std::string top() const final { return "/kubepods"; }
  void create(const std::string& path) override { cgroups_.emplace(path, host_.container(path)); }
  void remove(const std::string& path) override {
    cgroups_.at(path).remove();
    cgroups_.erase(path);
  }
  bool write(const std::string& path, const std::string& file, const std::string& value) override {
    cgroups_.at(path).file(file, value + "\n");
    return true;
  }
  std::string read(const std::string& path, const std::string& file) const override {
    const auto& cgroup = cgroups_.at(path);
    return cgroup.has(file) ? cgroup.text(file) : "";
  }

 private:
  testing_support::FakeHost& host_;
  std::map<std::string, testing_support::FakeCgroup> cgroups_;
};

class RealNode final : public RandomNode {
 public:
  explicit RealNode(std::string name) : name_(std::move(name)), top_("/sys/fs/cgroup" + name_) {
    fs::create_directory(top_);
    enable("/sys/fs/cgroup");
    enable(top_);
  }
  ~RealNode() override { removeBelow(top_); }
  sys::HostRoots roots() const override { return {}; }
  std::string top() const override { return name_; }
  void create(const std::string& path) override {
    const fs::path directory = "/sys/fs/cgroup" + path;
    fs::create_directory(directory.parent_path());
    enable(directory.parent_path());
    fs::create_directory(directory);
  }
  void remove(const std::string& path) override { rmdir(("/sys/fs/cgroup" + path).c_str()); }
  bool write(const std::string& path, const std::string& file, const std::string& value) override {
    base::UniqueFd fd(open(("/sys/fs/cgroup" + path + "/" + file).c_str(), O_WRONLY | O_CLOEXEC));
    return fd.valid() && ::write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
  }
  std::string read(const std::string& path, const std::string& file) const override {
    return sys::readFile("/sys/fs/cgroup" + path + "/" + file).value_or("");
  }

 private:
  static void enable(const fs::path& directory) {
    for (const char* controller : {"+cpu", "+memory", "+pids"})
      std::ofstream(directory / "cgroup.subtree_control") << controller << std::flush;
  }
  static void removeBelow(const fs::path& directory) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(directory, ignored)) {
      if (entry.is_directory(ignored)) removeBelow(entry.path());
    }
    rmdir(directory.c_str());
  }

  std::string name_, top_;
};

}  // namespace

RandomNode::Files RandomNode::files(const std::string& path) const {
  Files files;
  for (const char* file : kFiles) {
    std::string text = read(path, file);
    if (!text.empty()) files[file] = std::move(text);
  }
  return files;
}

std::unique_ptr<RandomNode> fakeNode(testing_support::FakeHost& host) {
  return std::make_unique<FakeNode>(host);
}

std::unique_ptr<RandomNode> realNode() {
  auto hierarchy = cgroup::Hierarchy::open({});
  if (!hierarchy || geteuid() != 0) return nullptr;
  for (const char* controller : {"cpu", "memory", "pids"}) {
    if (!hierarchy->controllers().contains(controller)) return nullptr;
  }
  return std::make_unique<RealNode>("/plimsoll-random-" + std::to_string(getpid()));
}

}  // namespace plimsoll::integration
