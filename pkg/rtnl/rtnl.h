// What the kernel says of network devices over rtnetlink: devices, the other ends of pods' links, default
// routes, queues, classic filters; and news of devices.
//
// Everything is of the namespace of the thread that opened the socket. Facts: rtnetlink(7),
// include/uapi/linux/{if_link,net_namespace,pkt_sched,pkt_cls}.h.
//
// Errors: the kernel's errno with what was asked; Aborted: an answer that is none. Threads: one at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::rtnl {

struct Device {
  uint32_t ifindex = 0;
  std::string name;
  std::string kind;   // "veth", "netkit", "vlan"; empty: hardware
  std::string queue;  // root queueing discipline
  uint32_t link = 0;  // veth, netkit: the other end, within its own namespace; vlan, macvlan: what it is on
  int nsid = -1;      // of the other end's namespace as seen from here; -1: this one
};

// A queueing discipline. Handle 0: the kernel made it by itself, as its default.
struct Queue {
  uint32_t ifindex = 0, handle = 0, parent = 0;
  std::string kind;
  std::string options;  // as the kernel gives them, by kind (TCA_OPTIONS)
};

struct Route {
  uint32_t device = 0;
  uint32_t metric = 0;
};

enum class Hook { Ingress, Egress };  // of clsact

struct Filter {
  uint32_t priority = 0, handle = 0;
  std::string kind;         // "bpf"
  std::string name;         // bpf: of the program, as its owner gave it
  uint32_t program_id = 0;  // bpf
};

class Socket {
 public:
  static base::Result<Socket> open();

  base::Result<std::vector<Device>> devices() const;
  // Not gone: isGone().
  base::Result<Device> device(uint32_t ifindex) const;
  // Of AF_INET or AF_INET6, main table, the lowest metric first. Of a route by several devices the first.
  base::Result<std::vector<Route>> defaultRoutes(int family) const;
  // Of both, each once, the lowest metric first.
  base::Result<std::vector<uint32_t>> defaultRouteDevices() const;
  // The number of a process's network namespace; nullopt: it has none here, so no device's other end is
  // there. Needs no capability.
  base::Result<std::optional<int>> nsidOf(pid_t pid) const;
  base::Result<std::vector<Queue>> queues() const;
  // Adds only where there is none but the kernel's default; sys_errno EEXIST: there is one, ENOENT: the
  // kernel has no such kind. What waits in the default queue is lost.
  base::Status addQueue(const Queue& queue) const;
  // Only with this handle; gone: there is none (any more).
  base::Status removeRootQueue(uint32_t ifindex, uint32_t handle) const;
  // Empty, too, where the device has no clsact.
  base::Result<std::vector<Filter>> filters(uint32_t ifindex, Hook hook) const;
  base::Status removeClsact(uint32_t ifindex) const;

 private:
  explicit Socket(base::UniqueFd socket) : socket_(std::move(socket)) {}
  using Visit = std::function<void(uint16_t type, std::span<const char> body)>;
  // Sends and takes every message of the answer, up to its end or an error.
  base::Status ask(uint16_t type, uint16_t flags, std::span<const char> body, const char* what,
                   const Visit& visit) const;

  base::UniqueFd socket_;
  mutable uint32_t sequence_ = 0;
};

// News of devices. fd() is readable when there is some.
class DeviceWatch {
 public:
  struct News {
    Device device;
    bool gone = false;
  };
  struct Batch {
    std::vector<News> news;
    bool lost = false;  // more came than was read: look at everything
  };
  static base::Result<DeviceWatch> open();
  int fd() const { return socket_.get(); }
  Batch take();  // never waits

 private:
  explicit DeviceWatch(base::UniqueFd socket) : socket_(std::move(socket)) {}
  base::UniqueFd socket_;
};

}  // namespace plimsoll::rtnl
