#include "cmd/plimsolld/observability.h"

#include <algorithm>
#include <utility>

#include "pkg/base/log.h"

namespace plimsoll::agent {
namespace {

namespace log = base::log;
using namespace std::chrono_literals;

// The loop's sign of life. Three may be missed before it counts as hung (AgentState::Limits).
constexpr auto kBeat = 5s;
// Containers' counters are read at most this often.
constexpr auto kStatsAge = 5s;
constexpr std::string_view kNoHttp = "off";

// The settings that this kernel was asked about, as api::NodeInfo::unsupported says it.
std::vector<std::pair<std::string_view, bool>> kernelFeatures(const api::NodeInfo& node) {
  std::vector<std::pair<std::string_view, bool>> features;
  for (const model::SettingSpec& spec : model::settingsTable()) {
    if (spec.target != model::Target::CgroupFile || !spec.instances.empty()) continue;
    const bool lacks = std::any_of(node.unsupported.begin(), node.unsupported.end(),
                                   [&](const auto& entry) { return entry.first == spec.key; });
    features.emplace_back(spec.key, !lacks);
  }
  return features;
}

}  // namespace

Observability::Observability(sys::EventLoop& loop, cgroup::Hierarchy hierarchy, ApiSource& source)
    : loop_(loop),
      source_(source),
      stats_(std::move(hierarchy), kStatsAge),
      scrape_(metrics_,
              {.reports = [this] { return source_.containers(); },
               .node = [this] { return nodeNumbers(); },
               .stats = [this](const model::ContainerReport& report) -> std::optional<model::ContainerStats> {
                 auto sample = stats(report);
                 if (!sample) return std::nullopt;
                 return std::move(sample->now);
               }}) {
  state_.addTo(checks_);
  source_.setStatsReader([this](const model::ContainerReport& report) { return stats(report); });
  source_.setMetricsReader([this] { return metricsText(); });
}

Observability::~Observability() = default;

base::Status Observability::start(Watched watched, const std::string& http_address) {
  watched_ = std::make_unique<Watched>(std::move(watched));
  beat();
  if (http_address == kNoHttp) return base::ok();
  ASSIGN_OR_RETURN(http::Address address, http::parseAddress(http_address));
  ASSIGN_OR_RETURN(server_, http::Server::start({.address = std::move(address)},
                                                [this](const http::Request& r) { return answer(r); }));
  serving_ = server_.get();
  if (std::string bound = server_->boundTo(); !bound.empty())
    log::info("Serving metrics and probes", {{"address", bound}});
  return base::ok();
}

bool Observability::serving(const std::string& service) const {
  return checks_.run(service == "readiness" ? health::Of::Ready : health::Of::Live).good;
}

base::Result<model::StatsSample> Observability::stats(const model::ContainerReport& report) {
  auto sample = stats_.get(report.container.id, report.cgroup_path);
  if (sample && network_) sample->now.traffic = network_->stats(report);
  return sample;
}

std::string Observability::metricsText() {
  std::lock_guard lock(scrape_mutex_);
  return scrape_.write();
}

http::Response Observability::answer(const http::Request& request) {
  if (request.path == "/metrics") {
    return {.content_type = std::string(metrics::kContentType), .body = metricsText()};
  }
  if (request.path == "/livez" || request.path == "/healthz") {
    return probe(request, health::Of::Live, request.path.substr(1));
  }
  if (request.path == "/readyz") return probe(request, health::Of::Ready, "readyz");
  return {.status = 404, .body = "There are /metrics, /livez, /readyz and /healthz.\n"};
}

// A failure is always told with its reasons.
http::Response Observability::probe(const http::Request& request, health::Of of,
                                    const std::string& what) const {
  const health::Report report = checks_.run(of);
  if (report.good && !request.has("verbose")) return {.body = "ok"};
  return {.status = report.good ? 200 : 503, .body = report.text(what)};
}

metrics::NodeNumbers Observability::nodeNumbers() const {
  const api::NodeInfo node = source_.node();
  metrics::NodeNumbers numbers;
  numbers.version = node.agent_version;
  numbers.kernel = node.facts.kernel_release;
  numbers.runtime = node.facts.runtime_name;
  numbers.runtime_version = node.facts.runtime_version;
  numbers.nri_version = node.facts.nri_version;
  numbers.kernel_features = kernelFeatures(node);
  numbers.network = node.network;
  numbers.events_dropped = source_.events().overwritten();
  numbers.live = checks_.run(health::Of::Live).good;
  numbers.ready = checks_.run(health::Of::Ready).good;
  if (const http::Server* server = serving_.load()) {
    const http::ServerStats http = server->stats();
    numbers.http = {http.requests, http.refused, http.bad};
  }
  return numbers;
}

void Observability::connected() {
  metrics_.nri_connects.add();
  metrics_.nri_registered.set(1);
  state_.registered();
  // The work of Synchronize begins after this; the beat sees its end.
  beat_timer_ = loop_.after(100ms, [this] { beat(); });
}

void Observability::disconnected(std::string_view reason) {
  if (watched_) {
    const nri::PluginStats& stats = watched_->plugin.stats();
    const auto why = stats.zombies_dropped > zombies_           ? metrics::Disconnect::LateSynchronize
                     : stats.protocol_errors > protocol_errors_ ? metrics::Disconnect::Protocol
                                                                : metrics::Disconnect::Runtime;
    metrics_.nriDisconnected(why);
    copyNumbers();
  }
  metrics_.nri_registered.set(0);
  state_.disconnected(reason);
}

void Observability::configLoaded(const config::NodeConfig& config) {
  metrics_.config_generation.set(config.policy.generation);
  scrape_.setPerContainer(config.metrics.per_container ? config.metrics.max_containers : 0);
  state_.setConfigProblem("");
}

void Observability::configReloaded(const base::Result<config::NodeConfig>& loaded) {
  metrics_.configReloaded(loaded.has_value());
  if (loaded) {
    configLoaded(*loaded);
  } else {
    state_.setConfigProblem(loaded.error().message);
  }
}

void Observability::beat() {
  state_.beat();
  copyNumbers();
  const bool settled = !watched_->settled || watched_->settled();
  const bool synchronized = watched_->plugin.state() == nri::PluginState::Synchronized;
  if (synchronized && settled) state_.synchronized();
  // Soon again while a first synchronisation is under way: readiness should not wait for the next beat.
  const bool waiting = synchronized && !settled;
  beat_timer_ = loop_.after(waiting ? std::chrono::milliseconds(100) : kBeat, [this] { beat(); });
}

void Observability::copyNumbers() {
  const nri::PluginStats& stats = watched_->plugin.stats();
  zombies_ = stats.zombies_dropped;
  protocol_errors_ = stats.protocol_errors;
  metrics_.nri_timeouts.set(stats.late_answers);
  metrics_.nri_missed.set(stats.missed);
  if (!watched_->journal) return;
  const journal::Stats journal = watched_->journal->stats();
  const std::string problem = watched_->journal->problem();
  metrics_.setJournal({.records = journal.records,
                       .bytes = journal.bytes,
                       .syncs = journal.syncs,
                       .compactions = journal.compactions,
                       .recovered_torn = journal.recovered_torn,
                       .dropped = journal.dropped,
                       .open_changes = journal.open_changes,
                       .healthy = problem.empty()});
  state_.setJournalProblem(problem);
}

}  // namespace plimsoll::agent
