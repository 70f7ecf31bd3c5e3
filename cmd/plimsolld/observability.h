// What the agent shows of itself: metrics, /livez and /readyz over HTTP, the state behind gRPC's health
// service, and containers' counters for the API. Everything is read by threads of its own; the loop only
// gives a sign of life and copies a few numbers every few seconds.
//
// Wiring, all on the loop's thread:
//   observability.metrics()    to control, which counts into it
//   observability.state()      to whoever knows of configuration, journal and missed events
//   observability.start(...)   once everything that it watches exists
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "cmd/plimsolld/api_source.h"
#include "cmd/plimsolld/network.h"
#include "pkg/cgroup/stats_cache.h"
#include "pkg/config/config.h"
#include "pkg/health/agent_state.h"
#include "pkg/http/server.h"
#include "pkg/journal/journal.h"
#include "pkg/metrics/scrape.h"
#include "pkg/nri/plugin.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::agent {

class Observability {
 public:
  // `hierarchy` is one of its own, for reading. The others must outlive it.
  Observability(sys::EventLoop& loop, cgroup::Hierarchy hierarchy, ApiSource& source);
  ~Observability();

  metrics::Metrics& metrics() { return metrics_; }
  health::AgentState& state() { return state_; }
  const health::Checks& checks() const { return checks_; }

  // Whether gRPC's health service says SERVING: "" and "liveness", "readiness". Any thread.
  bool serving(const std::string& service) const;
  // Counters of a container, at most a few seconds old. Any thread.
  base::Result<model::StatsSample> stats(const model::ContainerReport& report);
  // Before anybody asks; it outlives this.
  void setTraffic(const Network& network) { network_ = &network; }

  struct Watched {
    const nri::Plugin& plugin;
    // Whether the work that Synchronize brought is done.
    std::function<bool()> settled;
    const journal::Journal* journal = nullptr;  // nullptr: there is none
  };
  // Begins to watch, and to serve on `http_address` ("off": nowhere). InvalidArgument: no address.
  base::Status start(Watched watched, const std::string& http_address);

  // ---- notices, on the loop's thread
  void connected();
  void disconnected(std::string_view reason);
  void configLoaded(const config::NodeConfig& config);  // the first and every good one
  void configReloaded(const base::Result<config::NodeConfig>& loaded);

 private:
  // For HTTP's thread and for those of the API.
  std::string metricsText();
  http::Response answer(const http::Request& request);
  http::Response probe(const http::Request& request, health::Of of, const std::string& what) const;
  metrics::NodeNumbers nodeNumbers() const;
  void beat();
  void copyNumbers();

  sys::EventLoop& loop_;
  ApiSource& source_;
  metrics::Metrics metrics_;
  health::AgentState state_;
  health::Checks checks_;
  cgroup::StatsCache stats_;
  std::mutex scrape_mutex_;
  metrics::Scrape scrape_;  // one thread at a time, by scrape_mutex_
  const Network* network_ = nullptr;
  std::unique_ptr<Watched> watched_;
  sys::EventLoop::Handle beat_timer_;
  uint64_t zombies_ = 0, protocol_errors_ = 0;  // as last seen
  std::atomic<const http::Server*> serving_{nullptr};
  std::unique_ptr<http::Server> server_;  // last: its thread reads the others
};

}  // namespace plimsoll::agent
