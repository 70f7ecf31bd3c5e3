#include "pkg/nri/session.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "pkg/base/log.h"
#include "pkg/nri/answer.h"

namespace plimsoll::nri {
namespace {

namespace log = base::log;

// What we tell a runtime of ourselves; a hint for its log.
constexpr std::string_view kOurNriVersion = "v0.12.2";
constexpr std::chrono::seconds kSyncAlarm{30};
// A snapshot above this leaves enough free memory behind to be worth giving back.
constexpr size_t kTrimAbove = 1U << 20;
// containerd/nri#78.
constexpr NriVersion kFirstWithoutDeadlock{0, 6, 1};
constexpr NriVersion kLaunchedAreSynchronizedSince{0, 8, 0};

std::optional<std::chrono::milliseconds> positive(int64_t millis) {
  if (millis <= 0) return std::nullopt;
  return std::chrono::milliseconds(millis);
}

}  // namespace

// The runtime sends all of its pods and containers in one message or, when that would be over 4 MiB, in
// several; the handler gets the whole.
struct Session::Parts {
  google::protobuf::Arena arena;
  std::vector<const api::PodSandbox*> pods;
  std::vector<const api::Container*> containers;
  size_t bytes = 0;

  // nullptr: undecodable.
  const api::SynchronizeRequest* add(std::string_view payload) {
    auto* part = google::protobuf::Arena::CreateMessage<api::SynchronizeRequest>(&arena);
    bytes += payload.size();
    if (!part->ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return nullptr;
    for (const api::PodSandbox& pod : part->pods()) pods.push_back(&pod);
    for (const api::Container& container : part->containers()) containers.push_back(&container);
    return part;
  }
};

Session::Session(const Context& context, SessionOptions options)
    : loop_(context.loop),
      handler_(context.handler),
      stats_(context.stats),
      observer_(context.observer),
      options_(std::move(options)),
      plugin_sink_(context.link, kPluginStream),
      runtime_sink_(context.link, kRuntimeStream),
      dispatcher_(context.loop, context.handler, context.stats),
      server_(plugin_sink_),
      client_(context.loop, runtime_sink_) {
  serve();
}

Session::~Session() = default;

void Session::serve() {
  std::string service(kPluginServiceName);
  server_.handle(service, "Configure", [this](const ttrpc::Call& call) { return onConfigure(call); });
  server_.handleDeferred(service, "Synchronize", [this](const ttrpc::Call& call, ttrpc::Reply reply) {
    onSynchronize(call, std::move(reply));
  });
  server_.handle(service, "Shutdown", [this](const ttrpc::Call&) -> Result<std::string> {
    if (!closed_) handler_.shutdown();
    return std::string();
  });
  dispatcher_.serve(server_);
}

void Session::begin() {
  setState(PluginState::Registering);
  setup_deadline_ = loop_.after(options_.register_timeout, [this] {
    fail(base::ErrorCode::DeadlineExceeded, "the runtime did not register and configure us in time");
  });
  api::RegisterPluginRequest request;
  request.set_plugin_name(options_.name);
  request.set_plugin_idx(options_.index);
  request.set_nri_version(std::string(kOurNriVersion));
  client_.call({kRuntimeServiceName, "RegisterPlugin"}, request.SerializeAsString(),
               options_.register_timeout, [this](Result<std::string_view> answer) { onRegistered(answer); });
}

void Session::receive(uint32_t stream, std::string_view bytes) {
  if (closed_) return;
  // What a third party's stream may carry is dropped, as Go does.
  arrived_ = loop_.readySince();
  if (stream == kPluginStream) {
    dispatcher_.setArrival(arrived_);
    server_.receive(bytes, std::chrono::steady_clock::now());
  }
  if (stream == kRuntimeStream) client_.receive(bytes);
  uint64_t errors = protocolErrors();
  stats_.protocol_errors += errors - std::exchange(counted_errors_, errors);
  // The runtime closes such a link itself, unless it is one that leaves it open and dead.
  if (dispatcher_.answeredLate()) fail(base::ErrorCode::DeadlineExceeded, "an event was answered too late");
}

uint64_t Session::protocolErrors() const { return server_.protocolErrors() + client_.protocolErrors(); }

void Session::close(const base::Error& reason) {
  if (std::exchange(closed_, true)) return;
  plugin_sink_.closed = runtime_sink_.closed = true;
  dispatcher_.setAccepting(false);
  setup_deadline_.cancel();
  sync_alarm_.cancel();
  trim_.cancel();
  client_.failAll(reason);
}

void Session::onRegistered(const Result<std::string_view>& answer) {
  if (closed_) return;
  if (!answer) {
    if (answer.error().code == base::ErrorCode::DeadlineExceeded) ++stats_.call_timeouts;
    return fail(answer.error().code, "registration failed: " + answer.error().message);
  }
  registered_ = true;
  if (runtime_) afterSetup();
}

Result<std::string> Session::onConfigure(const ttrpc::Call& call) {
  if (closed_) return base::error(base::ErrorCode::Unavailable, "the session has ended");
  api::ConfigureRequest request;
  if (!request.ParseFromArray(call.payload.data(), static_cast<int>(call.payload.size()))) {
    return base::error(base::ErrorCode::Internal, "the Configure request cannot be decoded");
  }
  RuntimeInfo info = runtimeInfo(request.runtime_name(), request.runtime_version(), request.nri_version());
  info.registration_timeout = positive(request.registration_timeout());
  info.request_timeout = positive(request.request_timeout());
  info.config = request.config();
  runtime_ = std::move(info);

  EventStats not_kept;
  Result<EventMask> wanted =
      dispatcher_.timed(not_kept, call, [&]() -> Result<EventMask> { return handler_.configure(*runtime_); });
  if (!wanted) return tl::make_unexpected(wanted.error());
  EventMask events = *wanted & runtime_->validEvents();
  // 0 would ask for all of them.
  if (events.empty()) events = {Event::RemovePodSandbox};
  log::info("NRI runtime configured us", {{"runtime", runtime_->name},
                                          {"version", runtime_->version},
                                          {"nri", toString(runtime_->level)},
                                          {"events", events.bits()}});
  if (runtime_->level < kFirstWithoutDeadlock) {
    log::warn("This runtime can deadlock when a plugin registers; update it (containerd 1.7.16 or later)",
              {{"nri", toString(runtime_->level)}});
  }
  dispatcher_.setAccepting(true);
  if (state_ != PluginState::Synchronized) setState(PluginState::Configured);
  if (registered_) afterSetup();
  api::ConfigureResponse answer;
  answer.set_events(static_cast<int32_t>(events.bits()));
  return answer.SerializeAsString();
}

// Registered and configured, in either order.
void Session::afterSetup() {
  setup_deadline_.cancel();
  if (state_ == PluginState::Synchronized) return;
  if (options_.launched && runtime_->level < kLaunchedAreSynchronizedSince) return becomeSynchronized();
  // No failure: the runtime waits for every call in flight, a stop's whole grace period included, and a
  // reconnection would only make that wait start again (containerd#14083).
  sync_alarm_ = loop_.after(kSyncAlarm, [] {
    log::warn(
        "Still waiting for the runtime to send its pods; it may be waiting for a container that is "
        "slow to stop");
  });
}

void Session::onSynchronize(const ttrpc::Call& call, ttrpc::Reply reply) {
  if (closed_) return reply.send(base::error(base::ErrorCode::Unavailable, "the session has ended"));
  if (!runtime_) {
    return reply.send(base::error(base::ErrorCode::FailedPrecondition, "the plugin has not been configured"));
  }
  if (!parts_) parts_ = std::make_unique<Parts>();
  const api::SynchronizeRequest* part = parts_->add(call.payload);
  if (!part || parts_->bytes > options_.max_snapshot_bytes) {
    parts_.reset();
    reply.send(
        base::error(base::ErrorCode::Internal, "the Synchronize request cannot be decoded or is too large"));
    return fail(base::ErrorCode::Internal, "the runtime's list of pods and containers is unusable");
  }
  bool more = part->more();
  if (more) {
    api::SynchronizeResponse answer;
    answer.set_more(true);
    reply.send(answer.SerializeAsString());
  } else {
    reply.send(synchronizeAll(call));
  }
  // The runtime has given up by now. Some releases then leave the connection open without ever using it
  // again.
  auto since = std::min(arrived_, call.received);
  if (call.timeout.count() > 0 && std::chrono::steady_clock::now() - since > call.timeout) {
    ++stats_.zombies_dropped;
    return fail(base::ErrorCode::DeadlineExceeded, "Synchronize was answered too late");
  }
  if (!more) becomeSynchronized();
}

// The answer to the last part. An error is never sent: the link might stay open and dead.
Result<std::string> Session::synchronizeAll(const ttrpc::Call& call) {
  std::unique_ptr<Parts> parts = std::move(parts_);
  auto updates = dispatcher_.timed(stats_.synchronize, call, [&] {
    return handler_.synchronize({.pods = parts->pods, .containers = parts->containers}, callInfo(call));
  });
  scheduleTrim(parts->bytes);
  api::SynchronizeResponse answer;
  if (updates) {
    for (api::ContainerUpdate& update : *updates) *answer.add_update() = std::move(update);
  } else {
    log::error("NRI handler failed to take the runtime's pods", {{"error", updates.error().message}});
  }
  stats_.answers_refused += dropNamelessUpdates(*answer.mutable_update());
  Result<std::string> bytes = encodeMessage(answer);
  if (bytes) return bytes;
  ++stats_.answers_refused;
  log::error("Updates at synchronization cannot be sent", {{"error", bytes.error().message}});
  return std::string();
}

void Session::scheduleTrim(size_t bytes) {
  if (bytes < kTrimAbove) return;
  trim_ = loop_.after(std::chrono::seconds(1), [] {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  });
}

void Session::becomeSynchronized() {
  if (closed_ || state_ == PluginState::Synchronized) return;
  sync_alarm_.cancel();
  ++stats_.sessions;
  setState(PluginState::Synchronized);
  handler_.connected();
}

void Session::updateContainers(std::vector<api::ContainerUpdate> updates, Plugin::UpdateDone done) {
  api::UpdateContainersRequest request;
  for (api::ContainerUpdate& update : updates) *request.add_update() = std::move(update);
  if (dropNamelessUpdates(*request.mutable_update()) > 0) {
    return done(base::invalidArgument("an update names no container"));
  }
  Result<std::string> bytes = encodeMessage(request);
  if (!bytes) return done(tl::make_unexpected(bytes.error()));
  auto finish = [this, done = std::move(done)](Result<std::string_view> answer) {
    if (!answer) {
      if (answer.error().code == base::ErrorCode::DeadlineExceeded) ++stats_.call_timeouts;
      return done(tl::make_unexpected(answer.error()));
    }
    api::UpdateContainersResponse response;
    if (!response.ParseFromArray(answer->data(), static_cast<int>(answer->size()))) {
      return done(base::error(base::ErrorCode::Internal, "the answer to UpdateContainers cannot be decoded"));
    }
    done(std::vector<api::ContainerUpdate>(response.failed().begin(), response.failed().end()));
  };
  client_.call({kRuntimeServiceName, "UpdateContainers"}, *bytes, options_.call_timeout, std::move(finish));
}

void Session::setState(PluginState state) {
  state_ = state;
  observer_.onState(state);
}

void Session::fail(base::ErrorCode code, std::string message) {
  if (closed_) return;
  observer_.onSessionFailed({code, std::move(message)});
}

}  // namespace plimsoll::nri
