// The user's own kubectl as the way into the cluster: credentials, plug-ins for them, proxies and
// impersonation are its matter. It is started with an argument list, without a shell; whatever came from the
// cluster stands in an argument of its own that cannot be an option.
//
// Threads: any; a Tunnel belongs to one.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/child_process.h"
#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::cli {

// A running kubectl whose standard input and output are the other end of `stream`.
class Tunnel {
 public:
  Tunnel(ChildProcess child, base::UniqueFd stream, base::UniqueFd complaints, std::string command)
      : child_(std::move(child)),
        stream_(std::move(stream)),
        complaints_(std::move(complaints)),
        command_(std::move(command)) {}

  // Non-blocking; the caller's from now on.
  base::UniqueFd takeStream() { return std::move(stream_); }
  // Why nothing comes any more: what kubectl said, or its exit code. Waits for its end, a second at most.
  base::Error complaint();

 private:
  ChildProcess child_;
  base::UniqueFd stream_, complaints_;
  std::string command_;
};

class Kubectl {
 public:
  struct Options {
    std::string program = "kubectl";
    std::vector<std::string> global;  // "--context=x", in front of what is asked
    std::chrono::milliseconds timeout{10'000};
  };
  explicit Kubectl(Options options) : options_(std::move(options)) {}

  // Its standard output. NotFound: no kubectl. DeadlineExceeded: no answer in time. ResourceExhausted: more
  // than `most` bytes. PermissionDenied and Unavailable: it failed, with what it said.
  base::Result<std::string> run(const std::vector<std::string>& arguments, size_t most = 256u << 20) const;
  base::Result<Tunnel> tunnel(const std::vector<std::string>& arguments) const;

 private:
  std::vector<std::string> argv(const std::vector<std::string>& arguments) const;
  Options options_;
};

// kubectl's own words as an error: the last lines that say something, "(Forbidden)" as PermissionDenied.
base::Error kubectlError(const std::string& command, const std::string& said, int exit_code);

}  // namespace plimsoll::cli
