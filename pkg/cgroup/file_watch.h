// Tells when somebody writes to control files of containers (inotify: the kernel reports writes of processes,
// not changes that it makes itself). Our own writes are told too. A cgroup that is removed ends its watches.
//
// A watch costs about 1 KiB of kernel memory; fs.inotify.max_user_watches bounds their number. Without a
// watch a periodic look has to do. Threads: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::cgroup {

class FileWatch {
 public:
  // `written(owner)`: a watched file of that owner was written to. Several writes may be told as one.
  using Written = std::function<void(const std::string& owner)>;
  static Result<std::unique_ptr<FileWatch>> create(sys::EventLoop& loop, Written written);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // Replaces what was watched for this owner. ResourceExhausted: the kernel allows no more watches; none is
  // left for this owner then.
  Status watch(const std::string& owner, const ContainerCgroup& cgroup,
               const std::vector<std::string>& files);
  void forget(const std::string& owner);
  size_t size() const { return owners_.size(); }  // files

 private:
  FileWatch(base::UniqueFd fd, Written written) : fd_(std::move(fd)), written_(std::move(written)) {}
  void read();

  base::UniqueFd fd_;
  Written written_;
  std::unordered_map<int, std::string> owners_;                // by watch descriptor
  std::unordered_map<std::string, std::vector<int>> watches_;  // by owner
  sys::EventLoop::Handle handle_;
};

}  // namespace plimsoll::cgroup
