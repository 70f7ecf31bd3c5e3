#include "tests/bench/nri/bench_link.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "pkg/nri/dispatch.h"
#include "pkg/nri/mux.h"
#include "pkg/ttrpc/envelope.h"

namespace plimsoll::bench {
namespace {

uint32_t getU32(const char* p) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(p[i]);
  return value;
}

}  // namespace

Status BenchLink::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return base::errnoError(errno, "write to the plugin");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return base::ok();
}

Status BenchLink::send(uint32_t stream, std::string_view message) {
  for (size_t n = nri::firstFrameSize(message.size()); n > 0; n = message.size()) {
    auto header = nri::encodeMuxHeader(stream, static_cast<uint32_t>(n));
    RETURN_IF_ERROR(write({header.data(), header.size()}));
    RETURN_IF_ERROR(write(message.substr(0, n)));
    message.remove_prefix(n);
  }
  return base::ok();
}

// Moves the next frame's payload to its stream.
Status BenchLink::readFrame() {
  char buffer[64 << 10];
  while (true) {
    if (input_.size() >= nri::kMuxHeaderSize) {
      size_t length = getU32(input_.data() + 4);
      if (input_.size() >= nri::kMuxHeaderSize + length) {
        uint32_t stream = getU32(input_.data());
        if (stream < std::size(streams_)) streams_[stream].append(input_, nri::kMuxHeaderSize, length);
        input_.erase(0, nri::kMuxHeaderSize + length);
        return base::ok();
      }
    }
    ssize_t n = recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n < 0) return base::errnoError(errno, "read from the plugin");
    if (n == 0) return base::error(base::ErrorCode::Unavailable, "the plugin closed the connection");
    input_.append(buffer, static_cast<size_t>(n));
  }
}

Result<std::string> BenchLink::receive(uint32_t stream) {
  std::string& bytes = streams_[stream];
  while (bytes.size() < ttrpc::kHeaderSize ||
         bytes.size() < ttrpc::kHeaderSize + ttrpc::decodeHeader(bytes).length) {
    RETURN_IF_ERROR(readFrame());
  }
  size_t size = ttrpc::kHeaderSize + ttrpc::decodeHeader(bytes).length;
  std::string message = bytes.substr(0, size);
  bytes.erase(0, size);
  return message;
}

Status BenchLink::setUp() {
  ASSIGN_OR_RETURN(std::string request, receive(nri::kRuntimeStream));
  ASSIGN_OR_RETURN(std::string answer, ttrpc::encodeResponse(ttrpc::decodeHeader(request).stream_id, ""));
  RETURN_IF_ERROR(send(nri::kRuntimeStream, answer));
  nri::api::ConfigureRequest configure;
  configure.set_runtime_name("containerd");
  configure.set_runtime_version("2.1.9");
  configure.set_registration_timeout(5000);
  configure.set_request_timeout(2000);
  ASSIGN_OR_RETURN(Answer configured, call("Configure", configure.SerializeAsString()));
  nri::api::ConfigureResponse response;
  if (!response.ParseFromString(configured.payload))
    return base::error(base::ErrorCode::Internal, "the plugin's answer to Configure is no valid message");
  const auto bits = static_cast<uint32_t>(response.events());
  events_ = bits == 0 ? nri::kEventsSince010 : nri::EventMask::fromBits(bits);
  return base::ok();
}

Result<BenchLink::Answer> BenchLink::call(std::string_view method, std::string_view payload) {
  ASSIGN_OR_RETURN(std::string request, ttrpc::encodeRequest(next_id_, {.service = nri::kPluginServiceName,
                                                                        .method = method,
                                                                        .payload = payload,
                                                                        .timeout = std::chrono::seconds(2)}));
  next_id_ += 2;
  auto started = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(send(nri::kPluginStream, request));
  ASSIGN_OR_RETURN(std::string message, receive(nri::kPluginStream));
  auto took = std::chrono::steady_clock::now() - started;
  auto response = ttrpc::decodeResponse(std::string_view(message).substr(ttrpc::kHeaderSize));
  if (!response) return base::error(base::ErrorCode::Internal, "the plugin's answer is no valid message");
  if (response->error) return tl::make_unexpected(*response->error);
  return Answer{std::string(response->payload), took};
}

}  // namespace plimsoll::bench
