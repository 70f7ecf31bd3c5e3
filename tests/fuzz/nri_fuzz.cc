// A plugin's session. The first byte decides what the rest is: 0 to 31, the payload of one call (so that the
// messages themselves are reached); else the bytes of the trunk, before or after a proper set-up.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pkg/base/log.h"
#include "pkg/nri/answer.h"
#include "pkg/nri/mux.h"
#include "pkg/nri/session.h"

namespace {

using namespace plimsoll;

constexpr const char* kMethods[] = {"Configure",           "Synchronize",   "CreateContainer",
                                    "UpdateContainer",     "StopContainer", "UpdatePodSandbox",
                                    "StateChange",         "RunPodSandbox", "ValidateContainerAdjustment",
                                    "StartContainer",      "Shutdown",      "RemovePodSandbox",
                                    "PostUpdatePodSandbox"};

// Uses what it is given as a real handler would, and answers with it.
class Echo : public nri::Handler {
 public:
  base::Result<nri::api::CreateContainerResponse> createContainer(const nri::api::PodSandbox& pod,
                                                                  const nri::api::Container& container,
                                                                  const nri::CallInfo&) override {
    nri::api::CreateContainerResponse answer;
    *answer.mutable_adjust()->mutable_annotations() = pod.annotations();
    *answer.mutable_adjust()->mutable_linux()->mutable_resources() = container.linux().resources();
    answer.add_update()->set_container_id(container.name());
    return answer;
  }
  base::Result<std::vector<nri::api::ContainerUpdate>> synchronize(const nri::Snapshot& snapshot,
                                                                   const nri::CallInfo&) override {
    std::vector<nri::api::ContainerUpdate> updates;
    for (const auto* container : snapshot.containers)
      updates.emplace_back().set_container_id(container->id());
    return updates;
  }
};

struct Output : nri::Link {
  void send(uint32_t stream, std::string_view message) override {
    bool fine = (stream == nri::kPluginStream || stream == nri::kRuntimeStream) &&
                message.size() >= ttrpc::kHeaderSize &&
                message.size() <= ttrpc::kHeaderSize + ttrpc::kMaxData;
    if (!fine) abort();
  }
};

struct Observer : nri::Session::Observer {
  void onState(nri::PluginState) override {}
  void onSessionFailed(const base::Error& reason) override {
    if (session) session->close(reason);
  }
  nri::Session* session = nullptr;
};

std::string call(uint32_t id, const char* method, std::string_view payload) {
  auto message =
      ttrpc::encodeRequest(id, {.service = nri::kPluginServiceName, .method = method, .payload = payload});
  return message ? *message : std::string();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto loop = std::move(sys::EventLoop::create().value());
  base::log::setLevel(base::log::Level::Error);
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Echo handler;
  Output output;
  Observer observer;
  nri::PluginStats stats;
  nri::Session session({*loop, output, handler, stats, observer},
                       {.name = "fuzz", .index = "10", .max_snapshot_bytes = 1U << 20});
  observer.session = &session;
  session.begin();
  if (data[0] != 32) session.receive(nri::kPluginStream, call(1, "Configure", ""));
  if (data[0] < 32) {
    session.receive(nri::kPluginStream, call(3, kMethods[data[0] % std::size(kMethods)], input));
  } else {
    nri::MuxReader mux;
    (void)mux.push(input, [&](uint32_t stream, std::string_view bytes) { session.receive(stream, bytes); });
  }
  session.close({base::ErrorCode::Cancelled, "end"});
  return 0;
}
