// Tells when the node's configuration file changed. A bad new file, or one that vanished, leaves the old
// configuration in force and is reported.
//
// Waits for inotify events of the file's directory, so it sees a ConfigMap's update (the kubelet swaps the
// symbolic link "..data"), an editor's rename and a plain write. It does not see an update of a file that is
// mounted alone (subPath), which the kubelet does not update, nor a write to the target of a link of one's
// own. Nothing wakes up periodically; only while the directory is gone it is looked for every few seconds.
//
// Threads: the loop's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/config/config.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::config {

class ConfigWatcher {
 public:
  // A new configuration, or why the new file is not taken (the old one stays in force). Called once per
  // change of the file's bytes, and once when the file vanishes. May destroy the watcher.
  using Changed = std::function<void(const base::Result<NodeConfig>&)>;

  struct Options {
    // A file is read when its directory was quiet for so long, but at most `longest_wait` after the first
    // event.
    std::chrono::milliseconds quiet{100};
    std::chrono::milliseconds longest_wait{1000};
    std::chrono::milliseconds retry{5000};  // while the directory is gone
  };

  // Reads the file and watches it from then on, without a gap. An error: what readNodeConfig() says, or no
  // inotify.
  static base::Result<std::unique_ptr<ConfigWatcher>> start(sys::EventLoop& loop, std::string path,
                                                            Changed changed, Options options);
  ~ConfigWatcher();

  // The configuration in force. policy.generation counts the successful loads from 1.
  const NodeConfig& current() const { return current_; }

 private:
  ConfigWatcher(sys::EventLoop& loop, std::string path, Changed changed, Options options);
  base::Status watchDirectory();
  void onEvents();
  void arm();
  void look();

  sys::EventLoop& loop_;
  std::string path_;
  std::string directory_;
  std::string name_;  // of the file in it
  Changed changed_;
  Options options_;
  NodeConfig current_;
  std::string seen_;  // the text last read, or the error last reported: a change of either is news
  base::UniqueFd inotify_;
  sys::EventLoop::Handle watch_;
  sys::EventLoop::Handle timer_;
  sys::EventLoop::Clock::time_point first_event_{};
};

}  // namespace plimsoll::config
