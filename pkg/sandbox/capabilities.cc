#include "pkg/sandbox/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iterator>

namespace plimsoll::sandbox {
namespace {

// linux/capability.h, in order of their numbers.
constexpr std::string_view kNames[] = {"CHOWN",
                                       "DAC_OVERRIDE",
                                       "DAC_READ_SEARCH",
                                       "FOWNER",
                                       "FSETID",
                                       "KILL",
                                       "SETGID",
                                       "SETUID",
                                       "SETPCAP",
                                       "LINUX_IMMUTABLE",
                                       "NET_BIND_SERVICE",
                                       "NET_BROADCAST",
                                       "NET_ADMIN",
                                       "NET_RAW",
                                       "IPC_LOCK",
                                       "IPC_OWNER",
                                       "SYS_MODULE",
                                       "SYS_RAWIO",
                                       "SYS_CHROOT",
                                       "SYS_PTRACE",
                                       "SYS_PACCT",
                                       "SYS_ADMIN",
                                       "SYS_BOOT",
                                       "SYS_NICE",
                                       "SYS_RESOURCE",
                                       "SYS_TIME",
                                       "SYS_TTY_CONFIG",
                                       "MKNOD",
                                       "LEASE",
                                       "AUDIT_WRITE",
                                       "AUDIT_CONTROL",
                                       "SETFCAP",
                                       "MAC_OVERRIDE",
                                       "MAC_ADMIN",
                                       "SYSLOG",
                                       "WAKE_ALARM",
                                       "BLOCK_SUSPEND",
                                       "AUDIT_READ",
                                       "PERFMON",
                                       "BPF",
                                       "CHECKPOINT_RESTORE"};
static_assert(std::size(kNames) == CAP_CHECKPOINT_RESTORE + 1);

constexpr int kHighest = 63;  // as many as the kernel's interface can carry

// capget(2) and capset(2) of version 3: two 32-bit halves of each set.
struct RawSets {
  std::array<__user_cap_data_struct, 2> half{};
  static uint64_t join(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }
};

__user_cap_header_struct header() { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }

Result<RawSets> readRaw() {
  RawSets raw;
  auto head = header();
  if (syscall(SYS_capget, &head, raw.half.data()) != 0) return base::errnoError(errno, "capget");
  return raw;
}

Status dropBounding(CapabilitySet keep) {
  for (int number = 0; number <= kHighest; ++number) {
    int there = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (there < 0) break;  // beyond the kernel's last
    if (there == 0 || keep.has(number)) continue;
    if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    // Without SETPCAP the bounding set stays. It bounds what execve() could give, and nothing is executed
    // here.
    if (errno == EPERM) return base::ok();
    return base::errnoError(errno, "drop " + capabilityName(number) + " from the bounding set");
  }
  return base::ok();
}

}  // namespace

std::string capabilityName(int number) {
  if (number >= 0 && number < static_cast<int>(std::size(kNames))) return std::string(kNames[number]);
  return std::to_string(number);
}

std::optional<int> capabilityNumber(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<int>(i);
  }
  return std::nullopt;
}

std::string toString(CapabilitySet set) {
  std::string text;
  for (int number = 0; number <= kHighest; ++number) {
    if (set.has(number)) text += (text.empty() ? "" : " ") + capabilityName(number);
  }
  return text.empty() ? "none" : text;
}

Result<ThreadCapabilities> threadCapabilities() {
  ASSIGN_OR_RETURN(RawSets raw, readRaw());
  ThreadCapabilities out;
  out.effective = CapabilitySet::fromBits(RawSets::join(raw.half[0].effective, raw.half[1].effective));
  out.permitted = CapabilitySet::fromBits(RawSets::join(raw.half[0].permitted, raw.half[1].permitted));
  for (int number = 0; number <= kHighest; ++number) {
    if (prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) out.bounding.add(number);
  }
  return out;
}

Status reduceTo(CapabilitySet keep) {
  ASSIGN_OR_RETURN(ThreadCapabilities have, threadCapabilities());
  keep = keep & have.permitted;
  // The bounding set first: SETPCAP goes with the rest.
  RETURN_IF_ERROR(dropBounding(keep));
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) {
    return base::errnoError(errno, "clear the ambient capabilities");
  }
  RawSets raw;
  for (int i = 0; i < 2; ++i) {
    auto bits = static_cast<uint32_t>(keep.bits() >> (32 * i));
    raw.half[static_cast<size_t>(i)] = {.effective = bits, .permitted = bits, .inheritable = 0};
  }
  auto head = header();
  if (syscall(SYS_capset, &head, raw.half.data()) != 0) {
    return base::errnoError(errno, "capset to " + toString(keep));
  }
  return base::ok();
}

}  // namespace plimsoll::sandbox
