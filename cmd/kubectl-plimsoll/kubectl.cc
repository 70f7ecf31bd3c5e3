#include "cmd/kubectl-plimsoll/kubectl.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace plimsoll::cli {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::UniqueFd;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr size_t kMostComplaint = 4096;

struct Pipe {
  UniqueFd from, to;
};

// Our end does not block; the child's does, as programs expect.
Result<Pipe> makePipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return base::errnoError(errno, "create pipe");
  Pipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
  ::fcntl(pipe.from.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

// What is there now. False: the end.
bool drain(int fd, std::string& text, size_t most) {
  char buffer[64 << 10];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    text.append(buffer, std::min(static_cast<size_t>(n), most - std::min(most, text.size())));
    if (text.size() >= most) return true;
  }
}

Error noKubectl(const Error& error, const std::string& program) {
  if (!error.isGone()) return error;
  return {
      ErrorCode::NotFound,
      "\"" + program +
          "\" was not found; it is the way into the cluster (on a node: --socket names the agent's socket)",
      error.sys_errno};
}

Error late(const std::string& command, const std::string& said) {
  return {ErrorCode::DeadlineExceeded,
          command + " gave no answer in time (--request-timeout)" + (said.empty() ? "" : ": " + said), 0};
}

struct Output {
  std::string out, err;
  bool complete = false;
};

// Until both ended, `most` bytes came, or time is over.
Output collect(int out, int err, size_t most, Clock::time_point until) {
  Output output;
  bool out_open = true, err_open = true;
  while ((out_open || err_open) && output.out.size() <= most) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
    if (left <= 0) return output;
    std::array<pollfd, 2> entries = {pollfd{out_open ? out : -1, POLLIN, 0},
                                     pollfd{err_open ? err : -1, POLLIN, 0}};
    if (::poll(entries.data(), entries.size(), static_cast<int>(left)) < 0 && errno != EINTR) return output;
    if (entries[0].revents != 0) out_open = drain(out, output.out, most + 1);
    if (entries[1].revents == 0) continue;
    // What is too much of complaints is read and thrown away, so that it does not block.
    std::string more;
    err_open = drain(err, more, 64 << 10);
    output.err.append(more, 0, kMostComplaint - std::min(kMostComplaint, output.err.size()));
  }
  output.complete = !out_open && !err_open;
  return output;
}

}  // namespace

Error kubectlError(const std::string& command, const std::string& said, int exit_code) {
  std::string text;
  for (size_t at = 0; at < said.size();) {
    const size_t end = std::min(said.find('\n', at), said.size());
    const std::string line = said.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    text += (text.empty() ? "" : "; ") + line;
  }
  ErrorCode code = ErrorCode::Unavailable;
  if (text.find("(Forbidden)") != std::string::npos) code = ErrorCode::PermissionDenied;
  if (text.empty()) text = "exit code " + std::to_string(exit_code);
  return {code, command + ": " + text.substr(0, kMostComplaint), 0};
}

std::vector<std::string> Kubectl::argv(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {options_.program};
  argv.insert(argv.end(), options_.global.begin(), options_.global.end());
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

Result<std::string> Kubectl::run(const std::vector<std::string>& arguments, size_t most) const {
  const auto until = Clock::now() + options_.timeout;
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSIGN_OR_RETURN(Pipe out, makePipe());
  ASSIGN_OR_RETURN(Pipe err, makePipe());
  auto child = ChildProcess::start(argv(arguments), {nothing.get(), out.to.get(), err.to.get()});
  if (!child) return tl::unexpected(noKubectl(child.error(), options_.program));
  out.to.reset();
  err.to.reset();
  const std::string command = "kubectl " + arguments.front();
  Output output = collect(out.from.get(), err.from.get(), most, until);
  if (output.out.size() > most) {
    return base::error(ErrorCode::ResourceExhausted,
                       command + " gave more than " + std::to_string(most >> 20) + " MiB");
  }
  const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
  const auto code = output.complete ? child->wait(std::max(left, milliseconds(0))) : std::nullopt;
  if (!code) return tl::unexpected(late(command, output.err));
  if (*code != 0) return tl::unexpected(kubectlError(command, output.err, *code));
  return std::move(output.out);
}

Result<Tunnel> Kubectl::tunnel(const std::vector<std::string>& arguments) const {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return base::errnoError(errno, "create socket pair");
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  ASSIGN_OR_RETURN(Pipe err, makePipe());
  auto child = ChildProcess::start(argv(arguments), {theirs.get(), theirs.get(), err.to.get()});
  if (!child) return tl::unexpected(noKubectl(child.error(), options_.program));
  return Tunnel(std::move(*child), std::move(ours), std::move(err.from), "kubectl " + arguments.front());
}

Error Tunnel::complaint() {
  const auto code = child_.wait(milliseconds(1'000));
  std::string said;
  drain(complaints_.get(), said, kMostComplaint);
  if (!code && said.empty()) return {ErrorCode::Unavailable, command_ + ": the connection ended", 0};
  return kubectlError(command_, said, code.value_or(0));
}

}  // namespace plimsoll::cli
