#include "tests/bpf/world.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <sstream>

namespace plimsoll::testing {

std::string cgroup2Mount() {
  std::ifstream mounts("/proc/self/mounts");
  std::string line, device, path, type;
  while (std::getline(mounts, line)) {
    std::istringstream(line) >> device >> path >> type;
    if (type == "cgroup2") return path;
  }
  return {};
}

std::string missingForBpf() {
  if (geteuid() != 0) return "needs root";
  if (cgroup2Mount().empty()) return "needs cgroup v2 mounted";
  return {};
}

namespace {

std::string ownCgroup() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("0::", 0) == 0) return line.substr(3);
  return "/";
}

void moveTo(const std::string& path) { std::ofstream(path + "/cgroup.procs") << getpid() << std::endl; }

// The kernel's id of a cgroup is the inode's handle; on 64 bit machines that is the inode number.
uint64_t idOf(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

TestCgroup::TestCgroup(const std::string& name) {
  bool below = name.find('/') != std::string::npos;
  path_ = below ? name : cgroup2Mount() + "/plimsoll-bpf-" + name + "-" + std::to_string(getpid());
  mkdir(path_.c_str(), 0755);
  id_ = idOf(path_);
}

TestCgroup::~TestCgroup() {
  if (!came_from_.empty()) moveTo(came_from_);
  rmdir(path_.c_str());
}

void TestCgroup::enter() {
  if (came_from_.empty()) came_from_ = cgroup2Mount() + ownCgroup();
  moveTo(path_);
}

uint8_t TestCgroup::level() const {
  std::string below = path_.substr(cgroup2Mount().size());
  return std::count(below.begin(), below.end(), '/');
}

RunResult runProgram(int program, const Bytes& packet, const RunContext& context) {
  __sk_buff in = {}, after = {};
  in.ifindex = context.ifindex;
  in.ingress_ifindex = context.ingress_ifindex;
  in.gso_segs = context.gso_segs;
  in.gso_size = context.gso_size;
  in.wire_len = context.wire_len;
  in.tstamp = context.tstamp;
  RunResult result;
  result.packet.resize(packet.size() + 256);
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.data_in = packet.data();
  options.data_size_in = packet.size();
  options.data_out = result.packet.data();
  options.data_size_out = result.packet.size();
  options.ctx_in = &in;
  options.ctx_size_in = sizeof(in);
  options.ctx_out = &after;
  options.ctx_size_out = sizeof(after);
  options.repeat = context.repeat;
  if (bpf_prog_test_run_opts(program, &options) != 0) result.error = errno;
  result.verdict = static_cast<int>(options.retval);
  result.priority = after.priority;
  result.tstamp = after.tstamp;
  result.nanoseconds = options.duration;
  result.packet.resize(options.data_size_out);
  return result;
}

uint64_t monotonicNow() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

}  // namespace plimsoll::testing
