// A seccomp profile as the OCI runtime specification has it (linux.seccomp), which is also what Kubernetes
// takes as a localhost profile. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::model {

struct SeccompArgument {
  uint32_t index = 0;
  uint64_t value = 0;
  uint64_t value_two = 0;  // SCMP_CMP_MASKED_EQ: what the masked argument is compared with
  std::string op;          // SCMP_CMP_EQ, ...
  bool operator==(const SeccompArgument&) const = default;
};

struct SeccompRule {
  std::vector<std::string> names;
  std::string action;  // SCMP_ACT_ALLOW, ...
  std::optional<uint32_t> errno_ret;
  std::vector<SeccompArgument> args;
  bool operator==(const SeccompRule&) const = default;
};

struct SeccompProfile {
  std::string default_action;
  std::optional<uint32_t> default_errno;
  std::vector<std::string> architectures;  // SCMP_ARCH_X86_64, ...
  std::vector<std::string> flags;          // SECCOMP_FILTER_FLAG_LOG, ...
  std::vector<SeccompRule> rules;
  bool operator==(const SeccompProfile&) const = default;
};

using SeccompProfiles = std::map<std::string, SeccompProfile, std::less<>>;

}  // namespace plimsoll::model
