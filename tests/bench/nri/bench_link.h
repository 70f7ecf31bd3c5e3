// The runtime's end of one plugin connection, for measuring: one thread, blocking, nothing between the clock
// and the socket. Frames are cut as NRI's Go code cuts them, header and payload in separate writes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/nri/events.h"
#include "proto/nri/v1alpha1/nri.pb.h"

namespace plimsoll::bench {

using base::Result;
using base::Status;

class BenchLink {
 public:
  explicit BenchLink(base::UniqueFd fd) : fd_(std::move(fd)) {}

  // Waits for RegisterPlugin, answers it and configures the plugin.
  Status setUp();
  // What the plugin subscribed to.
  nri::EventMask events() const { return events_; }

  struct Answer {
    std::string payload;
    std::chrono::nanoseconds took;  // from before the request's first write to the answer's last byte
  };
  Result<Answer> call(std::string_view method, std::string_view payload);

 private:
  Status write(std::string_view bytes);
  Status send(uint32_t stream, std::string_view message);
  // The next whole ttRPC message on `stream`.
  Result<std::string> receive(uint32_t stream);
  Status readFrame();

  base::UniqueFd fd_;
  nri::EventMask events_;
  std::string input_;       // bytes read and not yet taken apart
  std::string streams_[3];  // by stream number
  uint32_t next_id_ = 1;
};

}  // namespace plimsoll::bench
