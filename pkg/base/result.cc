#include "pkg/base/result.h"

#include <cerrno>
#include <cstring>

namespace plimsoll::base {
namespace {

ErrorCode codeOfErrno(int err) {
  switch (err) {
    case ENOENT:
    case ENODEV:
    case ESRCH:
    case ENXIO:
    case ESTALE:
      return ErrorCode::NotFound;
    case EPERM:
    case EACCES:
    case EROFS:
      return ErrorCode::PermissionDenied;
    case EINVAL:
    case EILSEQ:
    case ENAMETOOLONG:
      return ErrorCode::InvalidArgument;
    case ERANGE:
    case EOVERFLOW:
      return ErrorCode::OutOfRange;
    case EEXIST:
      return ErrorCode::AlreadyExists;
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case EDQUOT:
      return ErrorCode::ResourceExhausted;
    case EBUSY:
    case ENOTEMPTY:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
      return ErrorCode::FailedPrecondition;
    case EAGAIN:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
      return ErrorCode::Unavailable;
    case ETIMEDOUT:
      return ErrorCode::DeadlineExceeded;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::Unimplemented;
    case ECANCELED:
      return ErrorCode::Cancelled;
    default:
      return ErrorCode::Unknown;
  }
}

}  // namespace

std::string_view errorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::Cancelled:
      return "CANCELLED";
    case ErrorCode::Unknown:
      return "UNKNOWN";
    case ErrorCode::InvalidArgument:
      return "INVALID_ARGUMENT";
    case ErrorCode::DeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case ErrorCode::NotFound:
      return "NOT_FOUND";
    case ErrorCode::AlreadyExists:
      return "ALREADY_EXISTS";
    case ErrorCode::PermissionDenied:
      return "PERMISSION_DENIED";
    case ErrorCode::ResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case ErrorCode::FailedPrecondition:
      return "FAILED_PRECONDITION";
    case ErrorCode::Aborted:
      return "ABORTED";
    case ErrorCode::OutOfRange:
      return "OUT_OF_RANGE";
    case ErrorCode::Unimplemented:
      return "UNIMPLEMENTED";
    case ErrorCode::Internal:
      return "INTERNAL";
    case ErrorCode::Unavailable:
      return "UNAVAILABLE";
  }
  return "UNKNOWN";
}

std::string errnoName(int err) {
  if (const char* name = strerrorname_np(err)) return name;
  return "errno " + std::to_string(err);
}

tl::unexpected<Error> errnoError(int err, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += strerrordesc_np(err) ? strerrordesc_np(err) : "unknown error";
  message += " (" + errnoName(err) + ")";
  return tl::unexpected<Error>(Error{codeOfErrno(err), std::move(message), err});
}

}  // namespace plimsoll::base
