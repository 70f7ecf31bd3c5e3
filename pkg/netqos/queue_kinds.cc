#include "pkg/netqos/queue_kinds.h"

#include <linux/pkt_sched.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "pkg/rtnl/messages.h"

namespace plimsoll::netqos {
namespace {

// Newer than the headers that we build with (Linux 6.7).
constexpr uint16_t kFqPriorities = 16, kFqWeights = 17;
constexpr int kBands = 3;
// Bytes that a band may send before the next one's turn; the kernel's least is 16384. Its own defaults
// (589824, 196608, 65536) let an urgent packet wait for four times as much.
constexpr std::array<int32_t, kBands> kWeights{147'456, 49'152, 16'384};

template <typename T>
std::string bytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

tc_prio_qopt bands() { return {kBands, {1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}}; }

std::string fqOptions() {
  return rtnl::attribute(kFqPriorities, bytesOf(bands())) + rtnl::attribute(kFqWeights, bytesOf(kWeights));
}

bool fqHolds(std::string_view options) {
  const auto all = rtnl::attributes({options.data(), options.size()}, 0);
  auto is = [&all](uint16_t type, const std::string& wanted) {
    auto found = all.find(type);
    return found != all.end() &&
           std::equal(found->second.begin(), found->second.end(), wanted.begin(), wanted.end());
  };
  return is(kFqPriorities, bytesOf(bands())) && is(kFqWeights, bytesOf(kWeights));
}

std::string prioOptions() { return bytesOf(bands()); }
bool prioHolds(std::string_view options) { return options.starts_with(prioOptions()); }

std::string noOptions() { return {}; }
bool anyOptions(std::string_view) { return true; }

constexpr QueueKind kKinds[] = {
    {"fq", fqOptions, fqHolds, 0},
    {"prio", prioOptions, prioHolds, kBands},
    {"pfifo_fast", noOptions, anyOptions, 0},
};

}  // namespace

const QueueKind* queueKind(std::string_view name) {
  const auto* row = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [name](const QueueKind& kind) { return kind.name == name; });
  return row == std::end(kKinds) ? nullptr : row;
}

bool ignoresClasses(std::string_view kind) {
  return kind == "fq_codel" || kind == "pfifo" || kind == "bfifo" || kind == "codel" || kind == "sfq" ||
         kind == "cake" || kind == "fq_pie";
}

}  // namespace plimsoll::netqos
