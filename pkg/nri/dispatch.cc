#include "pkg/nri/dispatch.h"

#include <memory>
#include <optional>
#include <utility>

#include "pkg/base/log.h"
#include "pkg/nri/answer.h"

namespace plimsoll::nri {
namespace {

namespace log = base::log;

constexpr size_t kArenaBlock = 32U << 10;

tl::unexpected<base::Error> undecodable(Event event) {
  return base::error(base::ErrorCode::Internal,
                     "the " + std::string(eventName(event)) + " request cannot be decoded");
}

tl::unexpected<base::Error> tooEarly() {
  return base::error(base::ErrorCode::FailedPrecondition, "the plugin has not been configured");
}

bool isNotice(int number) {
  switch (static_cast<Event>(number)) {
    case Event::RunPodSandbox:
    case Event::StopPodSandbox:
    case Event::RemovePodSandbox:
    case Event::PostUpdatePodSandbox:
    case Event::PostCreateContainer:
    case Event::StartContainer:
    case Event::PostStartContainer:
    case Event::PostUpdateContainer:
    case Event::RemoveContainer:
      return true;
    default:
      return false;
  }
}

// Without reading the whole message: event#1 comes first, as every encoder writes it. nullopt: none of ours.
std::optional<Event> eventOfStateChange(std::string_view payload) {
  constexpr char kFirstFieldVarint = 8;
  if (payload.size() < 2 || payload[0] != kFirstFieldVarint || !isNotice(payload[1])) return std::nullopt;
  return static_cast<Event>(payload[1]);
}

void logRefused(Event event, const base::Error& error) {
  log::warn("NRI handler failed", {{"event", eventName(event)}, {"error", error.message}});
}

}  // namespace

CallInfo callInfo(const ttrpc::Call& call) { return {.received = call.received, .budget = call.timeout}; }

// One request's memory. The block is shared by all requests, one at a time; a handler that turns the loop
// itself gets a fresh one.
class Dispatcher::Scratch {
 public:
  explicit Scratch(Dispatcher& d) : arena_(options(d)) {}

  template <typename T>
  const T* parse(std::string_view payload) {
    T* message = google::protobuf::Arena::CreateMessage<T>(&arena_);
    return message->ParseFromArray(payload.data(), static_cast<int>(payload.size())) ? message : nullptr;
  }

 private:
  static google::protobuf::ArenaOptions options(Dispatcher& d) {
    google::protobuf::ArenaOptions options;
    if (d.depth_ == 0) {
      options.initial_block = d.arena_block_.data();
      options.initial_block_size = d.arena_block_.size();
    }
    return options;
  }
  google::protobuf::Arena arena_;
};

Dispatcher::Dispatcher(sys::EventLoop& loop, Handler& handler, PluginStats& stats)
    : loop_(loop), handler_(handler), stats_(stats), arena_block_(kArenaBlock) {}

void Dispatcher::serve(ttrpc::Server& server) {
  add(server, Event::CreateContainer, &Dispatcher::createContainer);
  add(server, Event::UpdateContainer, &Dispatcher::updateContainer);
  add(server, Event::StopContainer, &Dispatcher::stopContainer);
  add(server, Event::UpdatePodSandbox, &Dispatcher::updatePodSandbox);
  add(server, Event::ValidateContainerAdjustment, &Dispatcher::validate);
  for (int number = 1; number <= kEventCount; ++number) {
    if (isNotice(number)) addNotice(server, static_cast<Event>(number));
  }
  server.handle(std::string(kPluginServiceName), "StateChange", [this](const ttrpc::Call& call) {
    auto event = eventOfStateChange(call.payload);
    if (!event) return stateChange(call);
    return inTime(*event, call, [](Dispatcher& d, const ttrpc::Call& c) { return d.stateChange(c); });
  });
}

// A runtime waits for one answer before it asks again, so nothing waited for us before our last answer.
std::chrono::nanoseconds Dispatcher::waited(const ttrpc::Call& call) const {
  if (arrival_ == std::chrono::steady_clock::time_point{}) return {};
  return call.received - std::min(call.received, std::max(arrival_, last_answer_));
}

Result<std::string> Dispatcher::inTime(Event event, const ttrpc::Call& call, const Serve& serve) {
  catchUp();
  std::chrono::nanoseconds waiting = waited(call);
  if (call.timeout.count() <= 0 || waiting <= call.timeout / 2) return serve(*this, call);
  ++stats_.missed;
  ++statsOf(event).missed;
  missed_.push_back({event, serve, std::string(call.payload), waiting});
  catch_up_ = loop_.after(sys::EventLoop::Clock::duration::zero(), [this] { catchUp(); });
  return std::string();
}

void Dispatcher::catchUp() {
  while (!missed_.empty()) {
    Missed missed = std::move(missed_.front());
    missed_.pop_front();
    if (!accepting_) continue;
    tellMissed(missed);
    ttrpc::Call call;
    call.payload = missed.payload;
    call.received = std::chrono::steady_clock::now();
    if (auto done = missed.serve(*this, call); !done) logRefused(missed.event, done.error());
  }
}

// StateChange has the event's number before the pod and the container, all others begin with them.
void Dispatcher::tellMissed(const Missed& missed) {
  Scratch scratch(*this);
  EventStats not_kept;
  ttrpc::Call call;
  auto tell = [&](const api::PodSandbox& pod, const api::Container& container) {
    (void)timed(not_kept, call, [&]() -> Status {
      handler_.missed(missed.event, pod, container, missed.waited);
      return base::ok();
    });
  };
  if (eventOfStateChange(missed.payload)) {
    if (const auto* change = scratch.parse<api::StateChangeEvent>(missed.payload))
      tell(change->pod(), change->container());
  } else if (const auto* request = scratch.parse<api::StartContainerRequest>(missed.payload)) {
    tell(request->pod(), request->container());
  }
}

void Dispatcher::add(ttrpc::Server& server, Event event, Method method) {
  server.handle(std::string(kPluginServiceName), std::string(eventName(event)),
                [this, event, method](const ttrpc::Call& call) -> Result<std::string> {
                  if (!accepting_) return tooEarly();
                  return inTime(event, call,
                                [method](Dispatcher& d, const ttrpc::Call& c) { return (d.*method)(c); });
                });
}

void Dispatcher::addNotice(ttrpc::Server& server, Event event) {
  server.handle(std::string(kPluginServiceName), std::string(eventName(event)),
                [this, event](const ttrpc::Call& call) {
                  return inTime(event, call,
                                [event](Dispatcher& d, const ttrpc::Call& c) { return d.notice(event, c); });
                });
}

template <typename Answer>
Result<std::string> Dispatcher::encode(Event event, Answer&& answer) {
  Result<std::string> bytes = encodeMessage(answer);
  if (!bytes) {
    ++stats_.answers_refused;
    logRefused(event, bytes.error());
  }
  return bytes;
}

Result<std::string> Dispatcher::createContainer(const ttrpc::Call& call) {
  Scratch scratch(*this);
  const auto* request = scratch.parse<api::CreateContainerRequest>(call.payload);
  if (!request) return undecodable(Event::CreateContainer);
  auto answer = timed(statsOf(Event::CreateContainer), call, [&] {
    return handler_.createContainer(request->pod(), request->container(), callInfo(call));
  });
  if (!answer) return tl::make_unexpected(answer.error());
  stats_.answers_refused += dropNamelessUpdates(*answer->mutable_update());
  if (Status fine = checkNoUpdateOf(request->container().id(), *answer); !fine) {
    ++stats_.answers_refused;
    return tl::make_unexpected(fine.error());
  }
  return encode(Event::CreateContainer, *answer);
}

Result<std::string> Dispatcher::updateContainer(const ttrpc::Call& call) {
  Scratch scratch(*this);
  const auto* request = scratch.parse<api::UpdateContainerRequest>(call.payload);
  if (!request) return undecodable(Event::UpdateContainer);
  auto answer = timed(statsOf(Event::UpdateContainer), call, [&] {
    return handler_.updateContainer(request->pod(), request->container(), request->linux_resources(),
                                    callInfo(call));
  });
  if (!answer) return tl::make_unexpected(answer.error());
  stats_.answers_refused += dropNamelessUpdates(*answer->mutable_update());
  return encode(Event::UpdateContainer, *answer);
}

Result<std::string> Dispatcher::stopContainer(const ttrpc::Call& call) {
  Scratch scratch(*this);
  const auto* request = scratch.parse<api::StopContainerRequest>(call.payload);
  if (!request) return undecodable(Event::StopContainer);
  auto answer = timed(statsOf(Event::StopContainer), call, [&] {
    return handler_.stopContainer(request->pod(), request->container(), callInfo(call));
  });
  if (!answer) {
    logRefused(Event::StopContainer, answer.error());
    return std::string();
  }
  stats_.answers_refused += dropNamelessUpdates(*answer->mutable_update());
  return encode(Event::StopContainer, *answer);
}

Result<std::string> Dispatcher::updatePodSandbox(const ttrpc::Call& call) {
  Scratch scratch(*this);
  const auto* request = scratch.parse<api::UpdatePodSandboxRequest>(call.payload);
  if (!request) return undecodable(Event::UpdatePodSandbox);
  Status done =
      timed(statsOf(Event::UpdatePodSandbox), call, [&] { return handler_.updatePodSandbox(*request); });
  if (!done) return tl::make_unexpected(done.error());
  return std::string();
}

Result<std::string> Dispatcher::validate(const ttrpc::Call& call) {
  Scratch scratch(*this);
  const auto* request = scratch.parse<api::ValidateContainerAdjustmentRequest>(call.payload);
  if (!request) return undecodable(Event::ValidateContainerAdjustment);
  auto answer = timed(statsOf(Event::ValidateContainerAdjustment), call,
                      [&] { return handler_.validateContainerAdjustment(*request, callInfo(call)); });
  if (!answer) return tl::make_unexpected(answer.error());
  return encode(Event::ValidateContainerAdjustment, *answer);
}

Result<std::string> Dispatcher::stateChange(const ttrpc::Call& call) {
  Scratch scratch(*this);
  const auto* request = scratch.parse<api::StateChangeEvent>(call.payload);
  if (!request) return base::error(base::ErrorCode::Internal, "the StateChange request cannot be decoded");
  // Events to come, and those that have an RPC of their own, are none of ours.
  if (!isNotice(request->event())) return std::string();
  return runNotice(static_cast<Event>(request->event()), call, request->pod(), request->container());
}

Result<std::string> Dispatcher::notice(Event event, const ttrpc::Call& call) {
  Scratch scratch(*this);
  // All of these requests are pod#1 and, where there is one, container#2: one type reads them all.
  const auto* request = scratch.parse<api::StartContainerRequest>(call.payload);
  if (request) return runNotice(event, call, request->pod(), request->container());
  if (event == Event::StartContainer) return undecodable(event);
  log::warn("NRI request cannot be decoded", {{"event", eventName(event)}});
  return std::string();
}

// Only StartContainer's error has a use for the runtime (handler.h says why for each).
Result<std::string> Dispatcher::runNotice(Event event, const ttrpc::Call& call, const api::PodSandbox& pod,
                                          const api::Container& container) {
  if (!accepting_) {
    if (event == Event::StartContainer) return tooEarly();
    return std::string();
  }
  Status done = timed(statsOf(event), call, [&] { return notify(event, pod, container); });
  if (!done && event == Event::StartContainer) return tl::make_unexpected(done.error());
  if (!done) logRefused(event, done.error());
  return std::string();
}

Status Dispatcher::notify(Event event, const api::PodSandbox& pod, const api::Container& container) {
  switch (event) {
    case Event::RunPodSandbox:
      return handler_.runPodSandbox(pod);
    case Event::StopPodSandbox:
      return handler_.stopPodSandbox(pod);
    case Event::RemovePodSandbox:
      return handler_.removePodSandbox(pod);
    case Event::PostUpdatePodSandbox:
      return handler_.postUpdatePodSandbox(pod);
    case Event::PostCreateContainer:
      return handler_.postCreateContainer(pod, container);
    case Event::StartContainer:
      return handler_.startContainer(pod, container);
    case Event::PostStartContainer:
      return handler_.postStartContainer(pod, container);
    case Event::PostUpdateContainer:
      return handler_.postUpdateContainer(pod, container);
    case Event::RemoveContainer:
      return handler_.removeContainer(pod, container);
    default:
      return base::ok();
  }
}

}  // namespace plimsoll::nri
