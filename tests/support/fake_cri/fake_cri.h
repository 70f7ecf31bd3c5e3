// A container runtime's CRI side in this process, as far as the agent asks: lists and verbose statuses, with
// JSON as containerd writes it. Can be slow, fail, or lose a container between list and status.
//
//   FakeCri cri(socket);
//   cri.add({.id = "c1", .name = "app", .sandbox_id = "p1", .pid = 4711});
//
// Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/cri/v1/api.pb.h"

namespace plimsoll::fake {

struct CriPod {
  std::string id;
  std::string name;
  std::string ns = "default";
  std::string uid;
  std::vector<std::pair<std::string, std::string>> annotations;
  std::string cgroup_parent = "/kubepods/besteffort/pod1";
  bool host_network = false;
};

struct CriContainer {
  std::string id;
  std::string name;
  std::string sandbox_id;
  runtime::v1::ContainerState state = runtime::v1::CONTAINER_RUNNING;
  std::chrono::system_clock::time_point created = std::chrono::system_clock::now() - std::chrono::hours(1);
  int pid = 4711;
  std::string info;  // instead of the usual JSON
};

class FakeCri {
 public:
  explicit FakeCri(std::string socket);
  ~FakeCri();

  void add(CriPod pod);
  void add(CriContainer container);
  void remove(const std::string& container_id);
  // Still listed, but its status is NotFound.
  void loseStatusOf(const std::string& container_id);
  void setDelay(std::chrono::milliseconds delay) { delay_ = delay; }
  void setFailing(bool failing) { failing_ = failing; }
  int calls() const { return calls_; }

 private:
  class Service;
  struct Server;

  std::atomic<std::chrono::milliseconds> delay_{std::chrono::milliseconds(0)};
  std::atomic<bool> failing_{false};
  std::atomic<int> calls_{0};
  std::mutex mutex_;
  std::vector<CriPod> pods_;              // guarded by mutex_
  std::vector<CriContainer> containers_;  // guarded by mutex_
  std::vector<std::string> lost_;         // guarded by mutex_
  std::unique_ptr<Server> server_;
};

}  // namespace plimsoll::fake
