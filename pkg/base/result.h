// The project's one error channel.
//
// A function that can fail returns `Result<T>`, or `Status` when it has nothing to give. Both hold an `Error`
// when it failed: a code (numbered as gRPC's and ttRPC's, so it crosses either unchanged), a sentence for a
// person, and the errno where a system call was the cause. Not for: invariants of our own, which are
// asserted.
//
//   Status write(...) {
//     ASSIGN_OR_RETURN(base::UniqueFd fd, openAt(dir, "cpu.max", O_WRONLY));
//     if (::write(...) < 0) return base::errnoError(errno, "write cpu.max of " + name);
//     return base::ok();
//   }
//
// Why not absl::Status: docs/adr/0001-errors.md.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace plimsoll::base {

// Same numbers as google.rpc.Code.
enum class ErrorCode : int {
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
};

std::string_view errorCodeName(ErrorCode code);

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::Unknown;
  std::string message;
  int sys_errno = 0;  // 0: no system call was the cause

  // The thing asked for does not exist, or no longer does (ENOENT, ENODEV, ESRCH, ENXIO, ESTALE). A container
  // that went away is normal: skip it and go on.
  bool isGone() const { return code == ErrorCode::NotFound; }
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline Status ok() { return {}; }

inline tl::unexpected<Error> error(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), 0});
}

inline tl::unexpected<Error> invalidArgument(std::string message) {
  return error(ErrorCode::InvalidArgument, std::move(message));
}

// `what` names the operation and its object; the errno's own text is appended.
tl::unexpected<Error> errnoError(int err, std::string_view what);

// "ENODEV" for ENODEV; "errno 4711" for one the C library does not know.
std::string errnoName(int err);

}  // namespace plimsoll::base

#define PLIMSOLL_CONCAT_(a, b) a##b
#define PLIMSOLL_CONCAT(a, b) PLIMSOLL_CONCAT_(a, b)

#define RETURN_IF_ERROR(expr)                                                 \
  do {                                                                        \
    auto&& status_or = (expr);                                                \
    if (!status_or) return tl::make_unexpected(std::move(status_or).error()); \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr) ASSIGN_OR_RETURN_(PLIMSOLL_CONCAT(result_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_(tmp, lhs, expr)                       \
  auto tmp = (expr);                                            \
  if (!tmp) return tl::make_unexpected(std::move(tmp).error()); \
  lhs = *std::move(tmp)
