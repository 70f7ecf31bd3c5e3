#include "pkg/api/connection_list.h"

#include <sys/stat.h>

namespace plimsoll::api {

size_t ConnectionList::size() {
  std::erase_if(entries_, [](const Entry& entry) {
    struct stat info {};
    return ::fstat(entry.fd, &info) < 0 || info.st_ino != entry.inode;
  });
  return entries_.size();
}

bool ConnectionList::add(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) < 0 || size() >= most_) return false;
  entries_.push_back({fd, info.st_ino});
  return true;
}

}  // namespace plimsoll::api
