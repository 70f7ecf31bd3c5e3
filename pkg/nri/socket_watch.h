// Tells when a socket appears under its path, so that coming back after a runtime's restart does not wait for
// the next attempt. A help only: the directory may be missing or be replaced, so its user keeps trying as
// well and calls watch() at each attempt.
#pragma once

#include <functional>
#include <string>

#include "pkg/base/unique_fd.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::nri {

class SocketWatch {
 public:
  // `appeared` may be called more often than once per socket.
  SocketWatch(sys::EventLoop& loop, const std::string& socket_path, std::function<void()> appeared);

  // Starts, or starts anew on what is now the directory. Without a directory it does nothing.
  void watch();
  void cancel();

 private:
  void onReady();

  sys::EventLoop& loop_;
  std::string directory_;
  std::string name_;
  std::function<void()> appeared_;
  base::UniqueFd inotify_;
  sys::EventLoop::Handle handle_;
};

}  // namespace plimsoll::nri
