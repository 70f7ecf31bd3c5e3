#include "pkg/config/config_watcher.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace plimsoll::config {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::string directoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The kubelet puts a ConfigMap's files behind this link and swaps it.
constexpr std::string_view kConfigMapLink = "..data";
constexpr uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

base::Result<std::unique_ptr<ConfigWatcher>> ConfigWatcher::start(sys::EventLoop& loop, std::string path,
                                                                  Changed changed, Options options) {
  std::unique_ptr<ConfigWatcher> watcher(
      new ConfigWatcher(loop, std::move(path), std::move(changed), options));
  // The watch first: what changes between it and the read is an event.
  RETURN_IF_ERROR(watcher->watchDirectory());
  ASSIGN_OR_RETURN(watcher->seen_, readConfigText(watcher->path_));
  ASSIGN_OR_RETURN(watcher->current_, loadNodeConfig(watcher->seen_, watcher->path_));
  watcher->current_.policy.generation = 1;
  return watcher;
}

ConfigWatcher::ConfigWatcher(sys::EventLoop& loop, std::string path, Changed changed, Options options)
    : loop_(loop),
      path_(std::move(path)),
      directory_(directoryOf(path_)),
      name_(path_.substr(path_.rfind('/') + 1)),
      changed_(std::move(changed)),
      options_(options) {}

ConfigWatcher::~ConfigWatcher() = default;

base::Status ConfigWatcher::watchDirectory() {
  watch_.cancel();
  inotify_.reset();
  base::UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.valid()) return base::errnoError(errno, "start to watch " + directory_);
  if (inotify_add_watch(fd.get(), directory_.c_str(), kEvents) < 0) {
    return base::errnoError(errno, "watch " + directory_);
  }
  ASSIGN_OR_RETURN(watch_, loop_.watch(fd.get(), EPOLLIN, [this](uint32_t) { onEvents(); }));
  inotify_ = std::move(fd);
  return base::ok();
}

void ConfigWatcher::onEvents() {
  alignas(inotify_event) char buffer[4096];
  bool lost = false, ours = false;
  for (;;) {
    const ssize_t n = ::read(inotify_.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      // The directory went away or elsewhere: what stands under its name now is another one.
      lost = lost || (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0;
      const std::string_view name = event->len > 0 ? event->name : "";
      ours = ours || name == name_ || name == kConfigMapLink || (event->mask & IN_Q_OVERFLOW) != 0;
    }
  }
  if (lost) {
    watch_.cancel();
    inotify_.reset();
  }
  if (lost || ours) arm();
}

void ConfigWatcher::arm() {
  const auto now = sys::EventLoop::Clock::now();
  if (!timer_.active()) first_event_ = now;
  // A file that is written to all the time is looked at now and then all the same.
  const auto left = duration_cast<milliseconds>(first_event_ + options_.longest_wait - now);
  const auto delay = std::clamp(options_.quiet, milliseconds(0), std::max(left, milliseconds(0)));
  timer_ = loop_.after(delay, [this] { look(); });
}

void ConfigWatcher::look() {
  timer_.cancel();
  if (!inotify_.valid() && !watchDirectory()) {
    timer_ = loop_.after(options_.retry, [this] { look(); });
  }
  auto text = readConfigText(path_);
  const std::string& now = text ? *text : text.error().message;
  if (now == seen_) return;
  seen_ = now;
  // A copy: it may destroy the watcher and itself with it.
  const Changed changed = changed_;
  if (!text) {
    changed(tl::make_unexpected(text.error()));
    return;
  }
  auto config = loadNodeConfig(*text, path_);
  if (config) {
    config->policy.generation = current_.policy.generation + 1;
    current_ = *config;
  }
  changed(config);
}

}  // namespace plimsoll::config
