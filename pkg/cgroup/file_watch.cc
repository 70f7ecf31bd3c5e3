#include "pkg/cgroup/file_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <utility>

namespace plimsoll::cgroup {

Result<std::unique_ptr<FileWatch>> FileWatch::create(sys::EventLoop& loop, Written written) {
  base::UniqueFd fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return base::errnoError(errno, "create an inotify instance");
  std::unique_ptr<FileWatch> watch(new FileWatch(std::move(fd), std::move(written)));
  FileWatch* self = watch.get();
  ASSIGN_OR_RETURN(watch->handle_, loop.watch(watch->fd_.get(), EPOLLIN, [self](uint32_t) { self->read(); }));
  return watch;
}

Status FileWatch::watch(const std::string& owner, const ContainerCgroup& cgroup,
                        const std::vector<std::string>& files) {
  forget(owner);
  for (const std::string& file : files) {
    int wd = inotify_add_watch(fd_.get(), cgroup.pathOf(file).c_str(), IN_MODIFY);
    if (wd >= 0) {
      owners_[wd] = owner;
      watches_[owner].push_back(wd);
      continue;
    }
    // A file that is not there has nothing to tell.
    if (errno == ENOENT || errno == ENODEV) continue;
    const int error = errno;
    forget(owner);
    return base::errnoError(error, "watch " + file + " of " + cgroup.path());
  }
  return base::ok();
}

void FileWatch::forget(const std::string& owner) {
  auto it = watches_.find(owner);
  if (it == watches_.end()) return;
  for (int wd : it->second) {
    owners_.erase(wd);
    inotify_rm_watch(fd_.get(), wd);
  }
  watches_.erase(it);
}

void FileWatch::read() {
  std::set<std::string> written;
  alignas(inotify_event) char buffer[16 * 1024];
  for (ssize_t n; (n = ::read(fd_.get(), buffer, sizeof buffer)) > 0;) {
    for (const char* at = buffer; at < buffer + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof *event + event->len;
      if (event->mask & IN_Q_OVERFLOW) {
        for (const auto& [owner, watches] : watches_) written.insert(owner);
      }
      auto it = owners_.find(event->wd);
      if (it == owners_.end()) continue;
      if (event->mask & IN_MODIFY) written.insert(it->second);
      if (!(event->mask & IN_IGNORED)) continue;
      // The file is gone, and its number may be given to another watch.
      if (auto of = watches_.find(it->second); of != watches_.end()) {
        std::erase(of->second, event->wd);
        if (of->second.empty()) watches_.erase(of);
      }
      owners_.erase(it);
    }
  }
  for (const std::string& owner : written) written_(owner);
}

}  // namespace plimsoll::cgroup
