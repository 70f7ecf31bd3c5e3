// Names and numbers of the system calls that can stand in a profile. Internal to pkg/sandbox.
#pragma once

#include <span>
#include <string_view>

namespace plimsoll::sandbox {

struct SyscallNumber {
  std::string_view name;
  int number;  // -1: this architecture has no such call
};

std::span<const SyscallNumber> syscallTable();

}  // namespace plimsoll::sandbox
