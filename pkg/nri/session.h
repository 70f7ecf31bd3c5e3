// One connection to the runtime, from registration to its end: what the plugin answers and asks on it. Knows
// no socket, so that a test can be the other end.
//
// Not for: connecting and coming back (plugin.cc). One thread, the event loop's.
#pragma once

#include <google/protobuf/arena.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "pkg/nri/dispatch.h"
#include "pkg/nri/handler.h"
#include "pkg/nri/plugin.h"
#include "pkg/nri/trunk.h"
#include "pkg/sys/event_loop.h"
#include "pkg/ttrpc/client.h"
#include "pkg/ttrpc/server.h"

namespace plimsoll::nri {

struct SessionOptions {
  std::string name;
  std::string index;
  bool launched = false;  // the runtime started us
  std::chrono::milliseconds register_timeout{30'000};
  std::chrono::milliseconds call_timeout{10'000};
  size_t max_snapshot_bytes = 256U << 20;
};

class Session {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void onState(PluginState state) = 0;
    // The connection is of no use any more. May come inside receive(); the session must live until that
    // returns.
    virtual void onSessionFailed(const base::Error& reason) = 0;
  };

  struct Context {
    sys::EventLoop& loop;
    Link& link;
    Handler& handler;
    PluginStats& stats;
    Observer& observer;
  };

  Session(const Context& context, SessionOptions options);
  ~Session();

  // Registers. Calls are served from the constructor on: Configure may overtake the registration's answer.
  void begin();
  void receive(uint32_t stream, std::string_view bytes);
  // Nothing is sent, reported or handled after this; waiting calls end with `reason`.
  void close(const base::Error& reason);

  const RuntimeInfo* runtime() const { return runtime_ ? &*runtime_ : nullptr; }
  bool insideHandler() const { return dispatcher_.insideHandler(); }
  void updateContainers(std::vector<api::ContainerUpdate> updates, Plugin::UpdateDone done);

 private:
  struct StreamSink final : ttrpc::MessageSink {
    StreamSink(Link& l, uint32_t s) : link(l), stream(s) {}
    void send(std::string_view message) override {
      if (!closed) link.send(stream, message);
    }
    Link& link;
    uint32_t stream;
    bool closed = false;
  };
  struct Parts;  // of one Synchronize

  void serve();
  Result<std::string> onConfigure(const ttrpc::Call& call);
  void onSynchronize(const ttrpc::Call& call, ttrpc::Reply reply);
  Result<std::string> synchronizeAll(const ttrpc::Call& call);
  void onRegistered(const Result<std::string_view>& answer);
  void afterSetup();
  void becomeSynchronized();
  void scheduleTrim(size_t bytes);
  void setState(PluginState state);
  void fail(base::ErrorCode code, std::string message);
  uint64_t protocolErrors() const;

  sys::EventLoop& loop_;
  Handler& handler_;
  PluginStats& stats_;
  Observer& observer_;
  SessionOptions options_;
  StreamSink plugin_sink_;
  StreamSink runtime_sink_;
  Dispatcher dispatcher_;
  ttrpc::Server server_;
  ttrpc::Client client_;
  std::optional<RuntimeInfo> runtime_;
  std::unique_ptr<Parts> parts_;
  std::chrono::steady_clock::time_point arrived_{};  // since when what is being received may have been there
  PluginState state_ = PluginState::Connecting;
  bool registered_ = false;
  bool closed_ = false;
  uint64_t counted_errors_ = 0;  // protocol errors already in stats_
  sys::EventLoop::Handle setup_deadline_;
  sys::EventLoop::Handle sync_alarm_;
  sys::EventLoop::Handle trim_;
};

}  // namespace plimsoll::nri
