// A node with a pod and a peer, as network namespaces that end with their object:
//
//   pod eth0 10.1.1.2 -- pod0 10.1.1.1 node up0 10.2.2.1 -- eth0 10.2.2.2 peer       (and fd01::, fd02::)
//
// The node routes. Sockets are made by the calling thread within a namespace; they belong to the cgroup that
// the process is in at that moment.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pkg/base/unique_fd.h"

namespace plimsoll::testing {

class Namespace {
 public:
  Namespace();
  // Runs `work` in a thread of its own within the namespace.
  void run(const std::function<void()>& work) const;
  // A shell command within; its exit code.
  int shell(const std::string& command) const;
  // For ip(8): "netns <path>".
  std::string path() const;
  int fd() const { return fd_.get(); }

 private:
  base::UniqueFd fd_;
};

struct Node {
  Node();
  Namespace host, pod, peer;
  uint32_t pod_link = 0;  // pod0's ifindex
  uint32_t uplink = 0;    // up0's
  bool ready = false;
};

enum class Transport { Tcp, Udp };

// Takes and counts all that comes to 10.2.2.2:port (or fd02::2) in the peer's namespace.
class Sink {
 public:
  Sink(const Namespace& where, Transport transport);
  ~Sink();
  uint16_t port() const { return port_; }
  uint64_t bytes() const { return bytes_; }

 private:
  void serve();
  Transport transport_;
  uint16_t port_ = 0;
  base::UniqueFd socket_;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// A socket of the current cgroup within the namespace, connected to the peer. `options`: "cubic" and the
// like.
base::UniqueFd connectTo(const Namespace& from, const Sink& sink, Transport transport, bool ipv6 = false,
                         const std::string& congestion = "cubic");

// Sends as fast as it goes for `time`, UDP in datagrams of `size`. Bytes that the kernel took.
uint64_t sendFor(int socket, std::chrono::milliseconds time, size_t size = 1400);

// Small datagrams at a pace that loses none, from here on and beside whatever the test does.
class SteadySender {
 public:
  explicit SteadySender(int socket);
  ~SteadySender() { stop(); }
  // How many were sent; all have arrived.
  uint64_t stop();

 private:
  std::atomic<bool> stop_{false};
  uint64_t sent_ = 0;
  std::thread thread_;
};

}  // namespace plimsoll::testing
