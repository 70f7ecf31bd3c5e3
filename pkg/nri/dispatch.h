// From the runtime's event calls to the Handler: decodes, calls, times, counts, checks and encodes the
// answer. Both ways in which runtimes send a notice are served: an RPC of its own (NRI 0.12 and later) and
// StateChange.
//
// Not for: Configure and Synchronize (session.h). One thread, the event loop's.
#pragma once

#include <google/protobuf/arena.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/nri/handler.h"
#include "pkg/nri/plugin.h"
#include "pkg/sys/event_loop.h"
#include "pkg/ttrpc/server.h"

namespace plimsoll::nri {

inline constexpr std::string_view kPluginServiceName = "nri.pkg.api.v1alpha1.Plugin";
inline constexpr std::string_view kRuntimeServiceName = "nri.pkg.api.v1alpha1.Runtime";

class Dispatcher {
 public:
  Dispatcher(sys::EventLoop& loop, Handler& handler, PluginStats& stats);

  // Serves every event RPC on `server`, which must not outlive this.
  void serve(ttrpc::Server& server);

  // Events before Configure are refused; with the session's end they are dropped.
  void setAccepting(bool accepting) { accepting_ = accepting; }

  // Since when the requests that come next may have been waiting for us.
  void setArrival(std::chrono::steady_clock::time_point arrival) { arrival_ = arrival; }
  // An answer left after the runtime's time-out: it is of no use, and maybe the connection neither.
  bool answeredLate() const { return answered_late_; }

  bool insideHandler() const { return depth_ > 0; }

  // Runs one call of the handler: no exception leaves it, its time is counted into `stats`.
  template <typename Run>
  auto timed(EventStats& stats, const ttrpc::Call& call, Run&& run) -> decltype(run());

 private:
  class Scratch;
  using Method = Result<std::string> (Dispatcher::*)(const ttrpc::Call&);

  using Serve = std::function<Result<std::string>(Dispatcher&, const ttrpc::Call&)>;
  // A request that was answered before it was handled.
  struct Missed {
    Event event;
    Serve serve;
    std::string payload;
    std::chrono::nanoseconds waited;
  };

  void add(ttrpc::Server& server, Event event, Method method);
  void addNotice(ttrpc::Server& server, Event event);
  // Serves it in time or, if it is too late for that, answers with nothing and serves it afterwards.
  Result<std::string> inTime(Event event, const ttrpc::Call& call, const Serve& serve);
  std::chrono::nanoseconds waited(const ttrpc::Call& call) const;
  void catchUp();
  void tellMissed(const Missed& missed);

  Result<std::string> createContainer(const ttrpc::Call& call);
  Result<std::string> updateContainer(const ttrpc::Call& call);
  Result<std::string> stopContainer(const ttrpc::Call& call);
  Result<std::string> updatePodSandbox(const ttrpc::Call& call);
  Result<std::string> validate(const ttrpc::Call& call);
  Result<std::string> stateChange(const ttrpc::Call& call);
  Result<std::string> notice(Event event, const ttrpc::Call& call);

  Status notify(Event event, const api::PodSandbox& pod, const api::Container& container);
  Result<std::string> runNotice(Event event, const ttrpc::Call& call, const api::PodSandbox& pod,
                                const api::Container& container);
  template <typename Answer>
  Result<std::string> encode(Event event, Answer&& answer);
  EventStats& statsOf(Event event) { return stats_.events[static_cast<size_t>(event) - 1]; }

  sys::EventLoop& loop_;
  Handler& handler_;
  PluginStats& stats_;
  std::chrono::steady_clock::time_point arrival_{};
  std::chrono::steady_clock::time_point last_answer_{};
  bool answered_late_ = false;
  std::deque<Missed> missed_;  // oldest first
  sys::EventLoop::Handle catch_up_;
  bool accepting_ = false;
  int depth_ = 0;
  std::vector<char> arena_block_;  // the first memory of each request's arena
};

CallInfo callInfo(const ttrpc::Call& call);

template <typename Run>
auto Dispatcher::timed(EventStats& stats, const ttrpc::Call& call, Run&& run) -> decltype(run()) {
  using Outcome = decltype(run());
  auto started = std::chrono::steady_clock::now();
  ++depth_;
  // A third party's handler may throw; the loop and its other users must not pay for that.
  Outcome outcome = [&]() -> Outcome {
    try {
      return run();
    } catch (const std::exception& e) {
      return base::error(base::ErrorCode::Internal, std::string("the handler threw: ") + e.what());
    } catch (...) {
      return base::error(base::ErrorCode::Internal, "the handler threw");
    }
  }();
  --depth_;
  auto ended = std::chrono::steady_clock::now();
  ++stats.count;
  if (!outcome) ++stats.errors;
  stats.total += ended - started;
  stats.longest = std::max<std::chrono::nanoseconds>(stats.longest, ended - started);
  if (call.timeout.count() > 0 && ended - call.received > call.timeout) {
    ++stats.late;
    ++stats_.late_answers;
    answered_late_ = true;
  }
  last_answer_ = ended;
  stats_.last_event = ended;
  return outcome;
}

}  // namespace plimsoll::nri
