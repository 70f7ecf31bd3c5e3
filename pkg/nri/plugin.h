// An NRI plugin: connects to the runtime's socket, registers, and calls a Handler for each event. When the
// runtime restarts, drops us or is not there yet, it comes back by itself, with growing, jittered pauses.
//
//   auto loop = std::move(sys::EventLoop::create().value());
//   MyHandler handler;
//   nri::Plugin plugin(*loop, {.name = "my-plugin", .index = "10"}, handler);
//   if (Status started = plugin.start(); !started) ...
//   loop->run();
//
// Not for: the runtime's side, or plugins inside the runtime (WASM). docs/nri-plugin.md has a whole program.
//
// All of it belongs to the loop's thread, before run() or inside it; loop and handler must outlive the
// plugin.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/nri/events.h"
#include "pkg/nri/handler.h"
#include "pkg/nri/runtime_info.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::nri {

inline constexpr std::string_view kDefaultSocketPath = "/var/run/nri/nri.sock";

struct PluginOptions {
  std::string name;          // [A-Za-z0-9_.+-]+
  std::string index = "90";  // two digits; the runtime calls lower ones first
  std::string socket_path{kDefaultSocketPath};
  base::UniqueFd connected;  // a link that the runtime made for us (fromEnvironment()); then no reconnection

  std::chrono::milliseconds backoff_min{200};
  std::chrono::milliseconds backoff_max{10'000};
  // From connect until the runtime has configured us. Long on purpose: it serves one plugin after another.
  std::chrono::milliseconds register_timeout{30'000};
  // For our own calls to the runtime.
  std::chrono::milliseconds call_timeout{10'000};
  // suspectZombie(): how long an event may be on its way, and how seldom a suspicion may cost a connection.
  // Seldom on purpose: a registration can hold up every start and stop of the node (containerd#14083).
  std::chrono::milliseconds zombie_patience{5'000};
  std::chrono::milliseconds zombie_interval{600'000};
  // The sum of one Synchronize's parts; more costs the connection.
  size_t max_snapshot_bytes = 256U << 20;
};

// The options of a plugin that the runtime launched (NRI_PLUGIN_NAME, _IDX and _SOCKET are set), else those
// of `defaults`.
Result<PluginOptions> fromEnvironment(PluginOptions defaults);

enum class PluginState { Stopped, Disconnected, Connecting, Registering, Configured, Synchronized };
std::string_view toString(PluginState state);

struct EventStats {
  uint64_t count = 0;
  uint64_t errors = 0;  // answered by the handler with an error
  uint64_t late = 0;    // answered after the runtime's time-out
  uint64_t missed = 0;  // waited so long that it was answered with nothing, and handled afterwards
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds longest{0};
};

struct PluginStats {
  uint64_t attempts = 0;         // connect(2) calls
  uint64_t sessions = 0;         // registrations that reached Synchronized
  uint64_t lost_sessions = 0;    // ended by the runtime, by a fault, or by us for being late
  uint64_t zombies_dropped = 0;  // Synchronize was answered too late, or suspectZombie()
  uint64_t late_answers = 0;     // sum of EventStats::late
  uint64_t missed = 0;           // sum of EventStats::missed
  uint64_t call_timeouts = 0;    // our own calls that the runtime did not answer in time
  uint64_t protocol_errors = 0;  // broken frames and messages received
  uint64_t answers_refused = 0;  // handler answers that could not be sent (size, UTF-8, missing container id)
  std::array<EventStats, kEventCount> events{};  // by Event - 1
  EventStats synchronize;
  std::chrono::steady_clock::time_point last_event{};   // of the runtime's last call; epoch: none yet
  std::chrono::steady_clock::time_point state_since{};  // when state() last changed
  std::string last_error;                               // why the last connection failed or ended

  const EventStats& of(Event event) const { return events[static_cast<size_t>(event) - 1]; }
};

class Plugin {
 public:
  // The updates that the runtime says failed.
  using UpdateDone = std::function<void(Result<std::vector<api::ContainerUpdate>>)>;

  Plugin(sys::EventLoop& loop, PluginOptions options, Handler& handler);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  // InvalidArgument for bad options. That the runtime is not there is no error: it is retried.
  Status start();
  // Ends the connection and the retries; the handler hears disconnected() if it was connected.
  void stop();

  PluginState state() const;
  const PluginStats& stats() const;
  // Valid from Configured on; nullptr before.
  const RuntimeInfo* runtime() const;

  // Asks the runtime to change running containers. `done` is called once, on the loop, possibly inside this
  // call. FailedPrecondition: inside a handler (the runtime would wait for us while we wait for it), when not
  // Synchronized, or when the runtime cannot do it without hanging the node (Feature::UpdateContainersSafe;
  // see containerd#13733). Unknown container ids are skipped by the runtime without a word, and one failing
  // update hides which one it was: send one container per call where it matters.
  void updateContainers(std::vector<api::ContainerUpdate> updates, UpdateDone done);

  // Somebody else saw, at `happened`, what the runtime should have told us (a container that runs, say). If
  // it has told us nothing since, the link is taken for a dead one, dropped and made again. False: nothing
  // was done, because events came since, the link is younger or not Synchronized, the event may still be on
  // its way, the last suspicion was not long enough ago, or the runtime launched us (no way back then).
  bool suspectZombie(std::string_view reason, std::chrono::steady_clock::time_point happened);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::nri
