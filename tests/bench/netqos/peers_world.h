// Two pods, their node and a peer, and the ways in which a node's owner may hold their traffic: ours and
// those of others. The line is a token bucket at the uplink, which stands for a card of 500 Mbit/s with 25 ms
// of queue. For benchmarks; needs root, cgroup v2, ip(8), tc(8) with tbf, htb, u32 and mirred, ifb.
#pragma once

#include <memory>
#include <string>

#include "tests/netqos/node_world.h"

namespace plimsoll::testing {

constexpr uint64_t kLineBits = 500'000'000;

// Whose settings are in force on the line.
enum class Peer {
  Fifo,      // nobody's
  Tbf,       // a token bucket per pod at 475 Mbit/s, as the CNI bandwidth plugin makes it, with a short burst
  Htb,       // classes with priorities in the place of the line, 80 % and 20 %, both up to all of it
  Priority,  // ours, and a queue that looks at priorities
  Virtual,   // ours, and a queue that does not: the shared virtual queue
};
const char* nameOf(Peer peer);

class PeersWorld {
 public:
  PeersWorld();
  bool ready() const { return ready_; }
  // Of the thread that calls all below, which stands in the node's namespace (onNode).
  void use(const std::string& bpffs) { bpffs_ = bpffs; }

  // Takes away what the one before had set up. These throw std::runtime_error with what was refused.
  void line(Peer peer);
  // One pod's limit on its way out, in bits per second.
  void limitByTbf(uint64_t bits);
  void limitByUs(uint64_t bits);
  // Nothing but what `tc` makes of up0's root; empty: nothing.
  void root(const std::string& tc);
  // Everything that a packet of ours can meet, and limits that it never does.
  void fullPath();
  void clear();

  Node node;      // its pod is the urgent one
  Namespace low;  // the other's
  TestCgroup high_pod{"peers-high"}, low_pod{"peers-low"};
  TestContainer high, bulk;

 private:
  void start(uint64_t line_bits);
  void set(const TestContainer& container, const char* key, const std::string& text);

  std::string bpffs_;
  std::unique_ptr<netqos::Engine> engine_;
  bool ready_ = false;
};

}  // namespace plimsoll::testing
