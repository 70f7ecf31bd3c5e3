// What libbpf says while something is being loaded, kept until it is known whether anybody needs it: nothing
// on success, everything with the verifier's log on failure.
//
// Only for .cc files of this package. Threads: each captures its own; what other threads load is not mixed
// in.
#pragma once

#include <string>

#include "pkg/base/result.h"

namespace plimsoll::bpfobj {

class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  // `err` is negative or positive, as libbpf gives it. Names `what` and adds everything said so far.
  tl::unexpected<base::Error> error(int err, const std::string& what) const;

 private:
  std::string text_;
  std::string* outer_;
};

// From a libbpf call that loads nothing: its errno, nothing else.
tl::unexpected<base::Error> libbpfError(int err, const std::string& what);

}  // namespace plimsoll::bpfobj
