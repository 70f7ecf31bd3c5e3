// ttRPC: the same bytes to the frame reader, a server, a client and both decoders; cut into pieces, the
// server must answer as to the whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pkg/sys/event_loop.h"
#include "pkg/ttrpc/client.h"
#include "pkg/ttrpc/envelope.h"
#include "pkg/ttrpc/server.h"

namespace {

using namespace plimsoll;

struct Output : ttrpc::MessageSink {
  void send(std::string_view message) override {
    // What we write must be readable by our own rules.
    if (message.size() < ttrpc::kHeaderSize ||
        ttrpc::decodeHeader(message).length != message.size() - ttrpc::kHeaderSize ||
        !ttrpc::decodeResponse(message.substr(ttrpc::kHeaderSize))) {
      abort();
    }
    bytes += message;
  }
  std::string bytes;
};

struct Requests : ttrpc::MessageSink {
  void send(std::string_view) override {}
};

std::string answersTo(std::string_view input, size_t cut) {
  Output output;
  ttrpc::Server server(output);
  auto echo = [](const ttrpc::Call& call) -> base::Result<std::string> { return std::string(call.payload); };
  server.handle("s", "m", echo);
  for (size_t at = 0; at < input.size(); at += cut)
    server.receive(input.substr(at, cut), ttrpc::Clock::now());
  return output.bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto loop = std::move(sys::EventLoop::create().value());
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (answersTo(input, size + 1) != answersTo(input, 3)) abort();

  Requests requests;
  ttrpc::Client client(*loop, requests);
  int ended = 0;
  for (int i = 0; i < 4; ++i) {
    client.call({"s", "m"}, "", std::chrono::seconds(3600), [&](base::Result<std::string_view>) { ++ended; });
  }
  client.receive(input);
  client.failAll({base::ErrorCode::Unavailable, "end"});
  if (ended != 4) abort();

  (void)ttrpc::decodeRequest(input);
  (void)ttrpc::decodeResponse(input);
  if (ttrpc::toUtf8(ttrpc::toUtf8(input)) != ttrpc::toUtf8(input)) abort();
  return 0;
}
