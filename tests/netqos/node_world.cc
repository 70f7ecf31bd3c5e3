#include "tests/netqos/node_world.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace plimsoll::testing {
namespace {

std::string below(const std::string& path) { return path.substr(cgroup2Mount().size()); }

std::unique_ptr<mechanism::Access> open(netqos::Engine& engine, const netqos::Subject& subject,
                                        std::string_view key, std::string& problem) {
  const bool of_pod = key.starts_with("net.pod.");
  auto access = engine.open(subject, of_pod ? netqos::Level::Pod : netqos::Level::Container);
  if (access) return *std::move(access);
  problem = access.error().message;
  return nullptr;
}

}  // namespace

Sleeper::Sleeper(const TestCgroup& cgroup, const Namespace* where) {
  const std::string procs = cgroup.path() + "/cgroup.procs";
  int ready[2];
  if (pipe(ready) != 0) return;
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (where != nullptr) setns(where->fd(), CLONE_NEWNET);
    std::ofstream(procs) << getpid() << std::endl;
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  char byte;
  (void)!read(ready[0], &byte, 1);
  close(ready[0]);
  close(ready[1]);
}

Sleeper::~Sleeper() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void onNode(const Namespace& node, const std::function<void(const std::string&)>& work) {
  std::thread worker([&] {
    char path[] = "/tmp/plimsoll-bpffs-XXXXXX";
    const bool ready = mkdtemp(path) != nullptr && unshare(CLONE_NEWNS) == 0 &&
                       mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("bpf", path, "bpf", 0, nullptr) == 0 && setns(node.fd(), CLONE_NEWNET) == 0;
    if (ready) work(path);
    umount2(path, MNT_DETACH);
    rmdir(path);
  });
  worker.join();
}

TestContainer::TestContainer(const TestCgroup& of, const std::string& name, const Namespace* where)
    : pod(of), cgroup(of.path() + "/" + name), process(cgroup, where) {}

netqos::Subject TestContainer::subject(bool host_network) const {
  netqos::Subject out;
  out.container = {below(cgroup.path()), cgroup.id()};
  out.pod = {below(pod.path()), pod.id()};
  out.pid = process.pid();
  out.host_network = host_network;
  out.name = "test/pod";
  return out;
}

netqos::Options optionsFor(const std::string& bpffs, std::vector<std::string> uplinks) {
  netqos::Options options;
  options.bpffs = bpffs;
  options.roots.cgroup = cgroup2Mount();
  options.line.uplinks = std::move(uplinks);
  return options;
}

std::string apply(netqos::Engine& engine, const netqos::Subject& subject, std::string_view key,
                  std::string_view text) {
  std::string problem;
  auto access = open(engine, subject, key, problem);
  if (!access) return problem;
  auto applied = mechanism::applySetting(*access, testing_support::planned(key, text));
  return applied.state == model::State::Applied ? "Applied" : applied.reason;
}

std::string show(netqos::Engine& engine, const netqos::Subject& subject, std::string_view key) {
  std::string problem;
  auto access = open(engine, subject, key, problem);
  if (!access) return problem;
  model::PlannedSetting setting;
  setting.request.setting = model::findSetting(key).value();
  auto text = access->read(setting);
  return text ? *text : text.error().message;
}

std::string outputOf(const std::string& command) {
  std::string out;
  std::FILE* pipe = popen(("PATH=$PATH:/usr/sbin:/sbin; " + command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), got);
  pclose(pipe);
  return out;
}

}  // namespace plimsoll::testing
