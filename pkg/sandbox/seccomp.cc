#include "pkg/sandbox/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "pkg/sandbox/syscall_table.h"

namespace plimsoll::sandbox {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr uint32_t kArchitecture = AUDIT_ARCH_RISCV64;
#else
constexpr uint32_t kArchitecture = 0;
#endif

// x86-64 processes can make the x32 calls too: other numbers for the same kernel.
constexpr uint32_t kX32Bit = 0x40000000;

// Time namespaces share their bit with the exit signal's byte, which clone() sets to SIGCHLD or nothing.
constexpr uint32_t kNamespaceFlags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

constexpr uint32_t kSocketFamilies[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;

uint32_t refusalOf(SeccompMode mode) {
  return mode == SeccompMode::Log ? SECCOMP_RET_LOG : SECCOMP_RET_ERRNO | EPERM;
}

// The filter's text, statement by statement.
class Program {
 public:
  void load(size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  }
  // The low half: the values looked at are 32 bits wide in the kernel too.
  void loadArgument(int index) {
    load(offsetof(seccomp_data, args) + sizeof(uint64_t) * static_cast<size_t>(index));
  }
  void loadNumber() { load(offsetof(seccomp_data, nr)); }
  void finish(uint32_t action) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }
  void ifEqual(uint32_t value, uint32_t action) { ifThen(BPF_JEQ, value, action, true); }
  void ifNotEqual(uint32_t value, uint32_t action) { ifThen(BPF_JEQ, value, action, false); }
  void ifAtLeast(uint32_t value, uint32_t action) { ifThen(BPF_JGE, value, action, true); }
  void ifAnyBit(uint32_t bits, uint32_t action) { ifThen(BPF_JSET, bits, action, true); }
  // Skips the next `statements` unless the loaded value is `value`.
  void unlessEqualSkip(uint32_t value, size_t statements) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<uint8_t>(statements)));
  }
  std::vector<sock_filter> take() { return std::move(code_); }

 private:
  void ifThen(uint16_t test, uint32_t value, uint32_t action, bool when) {
    code_.push_back(BPF_JUMP(static_cast<uint16_t>(BPF_JMP | test | BPF_K), value,
                             static_cast<uint8_t>(when ? 0 : 1), static_cast<uint8_t>(when ? 1 : 0)));
    finish(action);
  }
  std::vector<sock_filter> code_;
};

void checkClone(Program& program, uint32_t refusal) {
  constexpr size_t kStatements = 4;
  program.unlessEqualSkip(static_cast<uint32_t>(*syscallNumber("clone")), kStatements);
  program.loadArgument(0);
  program.ifAnyBit(kNamespaceFlags, refusal);
  program.finish(kAllow);
}

void checkSocket(Program& program, uint32_t refusal) {
  constexpr size_t kStatements = 2 + 2 * std::size(kSocketFamilies);
  program.unlessEqualSkip(static_cast<uint32_t>(*syscallNumber("socket")), kStatements);
  program.loadArgument(0);
  for (uint32_t family : kSocketFamilies) program.ifEqual(family, kAllow);
  program.finish(refusal);
}

Program begin(uint32_t refusal) {
  Program program;
  program.load(offsetof(seccomp_data, arch));
  program.ifNotEqual(kArchitecture, refusal);
  program.loadNumber();
  return program;
}

base::Status install(const std::vector<sock_filter>& code, unsigned flags) {
  sock_fprog program{static_cast<unsigned short>(code.size()), const_cast<sock_filter*>(code.data())};
  long refused_by =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_TSYNC, &program);
  if (refused_by == 0) return base::ok();
  if (refused_by > 0) {
    return base::error(base::ErrorCode::FailedPrecondition,
                       "a thread has a seccomp filter that the others do not have");
  }
  if (errno == ENOSYS || errno == EINVAL)
    return base::error(base::ErrorCode::Unimplemented, "this kernel has no seccomp filters");
  return base::errnoError(errno, "install a seccomp filter");
}

}  // namespace

std::optional<int> syscallNumber(std::string_view name) {
  for (const SyscallNumber& row : syscallTable()) {
    if (row.name == name && row.number >= 0) return row.number;
  }
  return std::nullopt;
}

bool isKnownSyscall(std::string_view name) {
  auto table = syscallTable();
  return std::any_of(table.begin(), table.end(), [&](const SyscallNumber& row) { return row.name == name; });
}

base::Result<std::vector<sock_filter>> buildFilter(std::span<const std::string_view> allowed,
                                                   SeccompMode mode) {
  if (kArchitecture == 0) {
    return base::error(base::ErrorCode::Unimplemented, "no seccomp filter is known for this architecture");
  }
  uint32_t refusal = refusalOf(mode);
  Program program = begin(refusal);
#ifdef __x86_64__
  program.ifAtLeast(kX32Bit, refusal);
#endif
  bool clone = false, socket = false;
  for (std::string_view name : allowed) {
    clone = clone || name == "clone";
    socket = socket || name == "socket";
    if (name == "clone" || name == "socket") continue;
    if (!isKnownSyscall(name)) return base::invalidArgument("no system call \"" + std::string(name) + "\"");
    if (auto number = syscallNumber(name)) program.ifEqual(static_cast<uint32_t>(*number), kAllow);
  }
  // Last: behind these the number is not loaded any more.
  if (clone) checkClone(program, refusal);
  if (socket) checkSocket(program, refusal);
  program.finish(refusal);
  return program.take();
}

base::Status installFilter(std::span<const std::string_view> allowed, SeccompMode mode) {
  if (mode == SeccompMode::Off) return base::ok();
  // A filter of its own, since every thread that starts meets it and only the list's refusals are to be
  // logged.
  ASSIGN_OR_RETURN(std::vector<sock_filter> list, buildFilter(allowed, mode));
  Program no_clone3 = begin(refusalOf(mode));
  no_clone3.ifEqual(static_cast<uint32_t>(*syscallNumber("clone3")), kNoSuchCall);
  no_clone3.finish(kAllow);
  RETURN_IF_ERROR(install(no_clone3.take(), 0));
  return install(list, SECCOMP_FILTER_FLAG_LOG);
}

}  // namespace plimsoll::sandbox
