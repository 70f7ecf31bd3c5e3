#include "cmd/plimsolld/network.h"

#include <filesystem>
#include <utility>

#include "pkg/base/log.h"
#include "pkg/netqos/release.h"

namespace plimsoll::agent {
namespace {

namespace log = base::log;
using namespace std::chrono_literals;
using base::Result;
using control::TrafficOf;
using model::PlannedSetting;

// Level-triggered, as everything here: what an event did not tell is found then.
constexpr auto kReconcile = 15s;
// An engine that could not start: a file system may be mounted later.
constexpr auto kStartAgain = 60s;

// The engine takes one caller at a time, and statistics are asked for by other threads.
class LockedAccess final : public mechanism::Access {
 public:
  LockedAccess(std::unique_ptr<mechanism::Access> access, std::mutex& mutex)
      : access_(std::move(access)), mutex_(mutex) {}

  mechanism::Place place() const override { return access_->place(); }
  bool gone() const override {
    std::lock_guard lock(mutex_);
    return access_->gone();
  }
  Result<std::string> read(const PlannedSetting& setting) const override {
    std::lock_guard lock(mutex_);
    return access_->read(setting);
  }
  base::Status write(const PlannedSetting& setting) const override {
    std::lock_guard lock(mutex_);
    return access_->write(setting);
  }

 private:
  std::unique_ptr<mechanism::Access> access_;
  std::mutex& mutex_;
};

std::string parentOf(const std::string& cgroup) { return cgroup.substr(0, cgroup.rfind('/')); }

}  // namespace

netqos::LineOptions lineOf(const config::NetworkConfig& config) {
  netqos::LineOptions line;
  line.uplinks = config.uplinks;
  line.bits_per_second = config.bits_per_second;
  line.headroom = config.headroom / 10'000.0;
  line.shares = {0, 0, config.normal_share / 10'000.0, config.besteffort_share / 10'000.0};
  line.ecn = config.ecn;
  line.manage_queue = config.manage_qdisc;
  return line;
}

Network::Network(sys::EventLoop& loop, Options options)
    : loop_(loop), options_(std::move(options)), tree_(options_.roots.cgroup) {}

void Network::configure(const config::NetworkConfig& config) {
  const bool same = config == config_;
  {
    std::lock_guard lock(mutex_);
    config_ = config;
  }
  if (!config_.enabled) return stop();
  if (!engine_) return start();
  if (same) return;
  std::lock_guard lock(mutex_);
  if (auto status = engine_->configure(lineOf(config_)); !status)
    log::warn("The uplinks stay as they were", {{"err", status.error().message}});
}

void Network::start() {
  netqos::Options options;
  options.bpffs = options_.bpffs;
  options.roots = options_.roots;
  options.line = lineOf(config_);
  auto engine = netqos::Engine::start(options);
  if (!engine) {
    failed(engine.error().message);
    timer_ = loop_.after(kStartAgain, [this] { tick(); });
    return;
  }
  if (!problem_.empty() && options_.tell)
    options_.tell({.reason = "TrafficAvailable", .message = "traffic control has started"});
  setProblem("");
  {
    std::lock_guard lock(mutex_);
    engine_ = *std::move(engine);
  }
  watch();
  const model::NetworkStatus now = status();
  log::info("Traffic control", {{"mode", now.mode}, {"reason", now.reason}, {"pins", now.pins}});
}

void Network::failed(const std::string& problem) {
  // Told once, not with each attempt.
  if (problem_ != problem) {
    if (!options_.tell) {
      log::warn("No traffic control", {{"err", problem}});
    } else {
      options_.tell({.type = model::Event::Type::Warning,
                     .reason = "TrafficUnavailable",
                     .message = "no traffic control, so settings net.* are unsupported: " + problem});
    }
  }
  setProblem(problem);
}

void Network::watch() {
  auto watched = loop_.watch(engine_->eventFd(), EPOLLIN, [this](uint32_t) {
    std::lock_guard lock(mutex_);
    engine_->onEvents();
  });
  if (watched) {
    events_ = *std::move(watched);
  } else {
    log::warn("Links are looked at every 15 s only", {{"err", watched.error().message}});
  }
  timer_ = loop_.after(kReconcile, [this] { tick(); });
}

void Network::tick() {
  if (!engine_) {
    start();
    if (engine_ && options_.changed) options_.changed();
    return;
  }
  netqos::Engine::Reconciled done;
  {
    std::lock_guard lock(mutex_);
    done = engine_->reconcile();
  }
  if (done.repaired + done.failed > 0) {
    log::warn("Traffic programs were missing",
              {{"put_back", std::to_string(done.repaired)}, {"failed", std::to_string(done.failed)}});
  }
  timer_ = loop_.after(kReconcile, [this] { tick(); });
}

void Network::setProblem(std::string problem) {
  std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
}

void Network::stop() {
  setProblem("");
  timer_.cancel();
  prepare_timer_.cancel();
  to_prepare_.clear();
  events_.cancel();
  {
    std::lock_guard lock(mutex_);
    engine_.reset();
  }
  // Of this agent, or of one before it.
  std::error_code ignored;
  if (!std::filesystem::exists(options_.bpffs + "/plimsoll", ignored)) return;
  netqos::Options options;
  options.bpffs = options_.bpffs;
  options.roots = options_.roots;
  for (const netqos::Released& each : netqos::release(options, netqos::ReleaseMode::Release)) {
    if (each.problem.empty()) {
      log::info("Taken away", {{"what", each.what}});
    } else {
      log::warn("Could not be taken away", {{"what", each.what}, {"err", each.problem}});
    }
  }
}

Result<std::unique_ptr<mechanism::Access>> Network::open(const control::TrafficSubject& subject, TrafficOf of,
                                                         control::TrafficUse use) {
  const std::string& path = subject.cgroup.path();
  const std::string pod = parentOf(path);
  const mechanism::Place place = of == TrafficOf::Pod
                                     ? mechanism::Place{pod, tree_.find(pod).value_or(netqos::CgroupRef{}).id}
                                     : mechanism::Place{path, subject.cgroup.id()};
  if (!engine_) {
    if (config_.enabled) return base::error(base::ErrorCode::Unimplemented, problem_);
    // Everything was taken away when it was switched off.
    return netqos::releasedAccess(options_.roots, place);
  }
  Result<std::unique_ptr<mechanism::Access>> access;
  {
    std::lock_guard lock(mutex_);
    if (use == control::TrafficUse::Look) {
      access = engine_->openPlace(place);
    } else {
      netqos::Subject asked{.container = {path, subject.cgroup.id()}, .pod = {pod, 0}, .pid = subject.pid};
      asked.belongs = subject.belongs;
      if (subject.pod) {
        asked.host_network = subject.pod->host_network;
        asked.name = subject.pod->ns + "/" + subject.pod->name;
      }
      access = engine_->open(asked, of == TrafficOf::Pod ? netqos::Level::Pod : netqos::Level::Container);
    }
  }
  if (!access) return access;
  return std::make_unique<LockedAccess>(*std::move(access), mutex_);
}

void Network::prepare(pid_t pid) {
  if (!engine_ || pid <= 0) return;
  to_prepare_.push_back(pid);
  prepare_timer_ = loop_.after(0s, [this] {
    std::lock_guard lock(mutex_);
    for (pid_t each : std::exchange(to_prepare_, {}))
      if (engine_) engine_->prepare(each);
  });
}

model::NetworkStatus Network::status() const {
  std::lock_guard lock(mutex_);
  model::NetworkStatus status;
  if (engine_) status = statusOf(engine_->report());
  status.wanted = config_.enabled;
  status.problem = problem_;
  return status;
}

std::optional<model::TrafficStats> Network::stats(const model::ContainerReport& report) const {
  const auto cgroup = tree_.find(report.cgroup_path);
  if (!cgroup) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (!engine_) return std::nullopt;
  auto counts = engine_->countsOf(cgroup->id);
  if (!counts) return std::nullopt;
  return statsOf(*counts, engine_->modeOf(cgroup->id));
}

}  // namespace plimsoll::agent
