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

namespace plimsoll::netqos {

struct Device {
  uint32_t ifindex = 0;
  std::string name;
  std::string kind;   // "veth", "netkit", "vlan"; empty: hardware
  std::string queue;  // root queueing discipline
  uint32_t link = 0;  // veth, netkit: the other end, within its own namespace; vlan, macvlan: what it is on
  int nsid = -1;      // of the other end's namespace as seen from here; -1: this one
};

struct Queue {
  uint32_t ifindex = 0, handle = 0, parent = 0;
  std::string kind;
};

enum class Hook { Ingress, Egress };  // of clsact

struct Filter {
  uint32_t priority = 0, handle = 0;
  std::string kind;         // "bpf"
  std::string name;         // bpf: of the program, as its owner gave it
  uint32_t program_id = 0;  // bpf
};

class Rtnl {
 public:
  static base::Result<Rtnl> open();

  base::Result<std::vector<Device>> devices() const;
  // Not gone: isGone().
  base::Result<Device> device(uint32_t ifindex) const;
  // Of IPv4 and IPv6, main table, each once, the lowest metric first.
  base::Result<std::vector<uint32_t>> defaultRouteDevices() const;
  // The number of a process's network namespace; nullopt: it has none here, so no device's other end is
  // there. Needs no capability.
  base::Result<std::optional<int>> nsidOf(pid_t pid) const;
  base::Result<std::vector<Queue>> queues() const;
  // Empty, too, where the device has no clsact.
  base::Result<std::vector<Filter>> filters(uint32_t ifindex, Hook hook) const;
  base::Status removeClsact(uint32_t ifindex) const;

 private:
  explicit Rtnl(base::UniqueFd socket) : socket_(std::move(socket)) {}
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

}  // namespace plimsoll::netqos
