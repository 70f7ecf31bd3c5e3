#include "pkg/nri/socket_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <utility>

namespace plimsoll::nri {

SocketWatch::SocketWatch(sys::EventLoop& loop, const std::string& socket_path, std::function<void()> appeared)
    : loop_(loop), appeared_(std::move(appeared)) {
  size_t slash = socket_path.rfind('/');
  directory_ = slash == std::string::npos ? "." : slash == 0 ? "/" : socket_path.substr(0, slash);
  name_ = slash == std::string::npos ? socket_path : socket_path.substr(slash + 1);
}

void SocketWatch::watch() {
  cancel();
  base::UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.valid()) return;
  if (inotify_add_watch(fd.get(), directory_.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) return;
  auto handle = loop_.watch(fd.get(), EPOLLIN, [this](uint32_t) { onReady(); });
  if (!handle) return;
  inotify_ = std::move(fd);
  handle_ = *std::move(handle);
}

void SocketWatch::cancel() {
  handle_.cancel();
  inotify_.reset();
}

void SocketWatch::onReady() {
  alignas(inotify_event) char buffer[4096];
  ssize_t n = ::read(inotify_.get(), buffer, sizeof buffer);
  bool ours = false;
  for (ssize_t at = 0; at < n;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    at += static_cast<ssize_t>(sizeof *event + event->len);
    if (event->len > 0 && name_ == event->name) ours = true;
    if ((event->mask & IN_Q_OVERFLOW) != 0) ours = true;
  }
  if (ours) appeared_();
}

}  // namespace plimsoll::nri
