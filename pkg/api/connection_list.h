// Counts connections whose descriptors belong to gRPC, which tells nobody when it closes one. (A duplicate to
// watch would be wrong: gRPC's poller relies on close(2) to forget a descriptor.) A descriptor's number
// together with the socket's inode says whether the connection is still there.
//
// Threads: one.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace plimsoll::api {

class ConnectionList {
 public:
  explicit ConnectionList(size_t most) : most_(most) {}

  // False: there are `most` already. The descriptor stays the caller's.
  bool add(int fd);
  size_t size();  // those that are still open

 private:
  struct Entry {
    int fd;
    ino_t inode;
  };

  const size_t most_;
  std::vector<Entry> entries_;
};

}  // namespace plimsoll::api
