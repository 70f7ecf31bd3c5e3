#include "pkg/control/controller.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "pkg/annotation/annotation.h"
#include "pkg/base/log.h"
#include "pkg/policy/drift.h"
#include "pkg/policy/policy.h"

namespace plimsoll::control {
namespace {

using model::ContainerReport;
using model::ContainerState;
using model::PlannedSetting;
using model::State;

const PlannedSetting* firstFailureOfThePod(const ContainerReport& report) {
  for (const PlannedSetting& setting : report.plan.settings) {
    bool of_the_pod = setting.request.source.kind != model::SourceKind::Class &&
                      setting.request.source.kind != model::SourceKind::NodeDefault;
    if (of_the_pod && setting.state == State::Failed) return &setting;
  }
  return nullptr;
}

// Wishes for a container whose name is nearly this one's. Which other containers the pod has is not known at
// creation, so only a likely slip is told; `lint` sees the whole pod.
void addLikelySlips(const model::PodIntent& intent, ContainerReport& report) {
  for (const auto& [name, scope] : intent.containers) {
    if (name == report.container.name) continue;
    std::string_view candidates[] = {report.container.name};
    if (!model::nearest(name, candidates)) continue;
    model::Problem problem;
    problem.container = name;
    problem.key = name + "." + std::string(model::kAnnotationDomain);
    problem.suggestion = report.container.name;
    problem.message = "this is for a container \"" + name + "\"; if the pod has none, \"" +
                      report.container.name + "\" is meant";
    report.plan.problems.push_back(std::move(problem));
  }
}

bool namesDevices(const std::vector<model::Request>& requests) {
  return std::any_of(requests.begin(), requests.end(),
                     [](const model::Request& request) { return !model::devicesOf(request.value).empty(); });
}

bool namesDevices(const model::PodIntent& intent) {
  return namesDevices(intent.pod.requests) ||
         std::any_of(intent.containers.begin(), intent.containers.end(),
                     [](const auto& entry) { return namesDevices(entry.second.requests); });
}

bool namesDevices(const model::NodePolicy& policy) {
  return namesDevices(policy.defaults) ||
         std::any_of(policy.classes.begin(), policy.classes.end(),
                     [](const auto& entry) { return namesDevices(entry.second.settings); });
}

}  // namespace

void Controller::mergeBase(model::BaseResources& base, const model::BaseResources& change) {
  if (change.cpu_shares) base.cpu_shares = change.cpu_shares;
  if (change.cpu_quota_us) base.cpu_quota_us = change.cpu_quota_us;
  if (change.cpu_period_us) base.cpu_period_us = change.cpu_period_us;
  if (change.memory_limit) base.memory_limit = change.memory_limit;
  if (change.pids_limit) base.pids_limit = change.pids_limit;
  if (change.oom_score_adj) base.oom_score_adj = change.oom_score_adj;
  if (!change.cpuset_cpus.empty()) base.cpuset_cpus = change.cpuset_cpus;
  if (!change.cpuset_mems.empty()) base.cpuset_mems = change.cpuset_mems;
  for (const auto& [file, value] : change.unified) base.unified[file] = value;
}

Controller::Controller(sys::EventLoop& loop, Options options, Applier& applier, model::NodeFacts node,
                       model::NodePolicy policy, ReportStore& store, metrics::Metrics& metrics,
                       EventSink sink)
    : loop_(loop),
      options_(options),
      applier_(applier),
      node_(std::move(node)),
      policy_(std::move(policy)),
      policy_names_devices_(control::namesDevices(policy_)),
      store_(store),
      metrics_(metrics),
      narrator_(std::move(sink)) {
  auto watch = cgroup::FileWatch::create(loop_, [this](const std::string& id) { somebodyWrote(id); });
  if (watch) {
    file_watch_ = *std::move(watch);
  } else {
    base::log::warn("Foreign changes are noticed by the periodic look only",
                    {{"err", watch.error().message}});
  }
  armSweep();
}

void Controller::setNodePolicy(model::NodePolicy policy) {
  policy_ = std::move(policy);
  policy_names_devices_ = control::namesDevices(policy_);
  for (auto& [id, entry] : containers_) {
    entry.planned = false;
    enqueue(id);
  }
}

void Controller::setRuntime(const std::string& name, const std::string& version,
                            const std::string& nri_version, std::set<model::Carrier> carriers) {
  node_.runtime_name = name;
  node_.runtime_version = version;
  node_.nri_version = nri_version;
  node_.nri_carriers = std::move(carriers);
}

void Controller::podStarted(model::PodFacts facts) {
  const std::string id = facts.sandbox_id;
  know(std::move(facts));
  podOf(id);
}

void Controller::know(model::PodFacts facts) {
  std::string id = facts.sandbox_id;
  pods_.insert_or_assign(std::move(id), Pod{std::move(facts)});
}

void Controller::podRemoved(const std::string& sandbox_id) {
  pods_.erase(sandbox_id);
  applier_.forgetPod(sandbox_id);
}

Controller::Pod& Controller::podOf(const std::string& sandbox_id) {
  // A container listed without its pod gets one without a name, which knowsPod() does not count.
  auto [it, added] = pods_.try_emplace(sandbox_id);
  if (added) it->second.facts.sandbox_id = sandbox_id;
  Pod& pod = it->second;
  if (!pod.intent) {
    pod.intent = annotation::parsePod(pod.facts.annotations);
    pod.names_devices = control::namesDevices(*pod.intent);
    // All that matters of them is in the intent; they need not be copied into every report.
    pod.facts.annotations.clear();
  }
  return pod;
}

Controller::Draft Controller::newReport(model::ContainerFacts facts) {
  auto draft = std::make_shared<ContainerReport>();
  Pod& pod = podOf(facts.sandbox_id);
  pod.had_container = true;
  draft->pod = pod.facts;
  draft->first_seen = std::chrono::system_clock::now();
  draft->container = std::move(facts);
  return draft;
}

void Controller::plan(ContainerReport& report, bool keep_states) {
  Pod& pod = podOf(report.container.sandbox_id);
  Applier::Devices devices;
  if (namesDevices(pod)) {
    devices = applier_.resolveDevices(policy::wishes(*pod.intent, report.container.name, policy_),
                                      report.container);
  }
  policy::Inputs inputs{*pod.intent, pod.facts, report.container, node_, policy_, devices};
  report.plan = keep_states ? policy::replan(report.plan, inputs) : policy::makePlan(inputs);
  report.config_generation = policy_.generation;
  addLikelySlips(*pod.intent, report);
}

void Controller::publish(Entry& entry, Draft draft) {
  entry.report = std::move(draft);
  store_.publish(entry.report);
}

CreateDecision Controller::containerCreating(model::ContainerFacts facts) {
  Draft draft = newReport(std::move(facts));
  plan(*draft, false);
  CreateDecision decision = createDecision(draft->plan, policy_);
  if (!decision.empty() && !decision.rejection) applier_.carry(*draft);
  Entry& entry = containers_[draft->container.id];
  entry = Entry{};
  entry.planned = true;
  publish(entry, std::move(draft));
  tellLater(entry.report);
  return decision;
}

void Controller::tellLater(ReportPtr report) {
  untold_.push_back(std::move(report));
  if (!tell_timer_.active())
    tell_timer_ = loop_.after(sys::EventLoop::Clock::duration::zero(), [this] { tellPlans(); });
}

void Controller::tellPlans() {
  for (const ReportPtr& report : untold_) {
    narrator_.planMade(*report);
    metrics_.planMade(report->plan);
  }
  untold_.clear();
  tell_timer_.cancel();
}

base::Status Controller::containerStarting(const std::string& id, int64_t pid,
                                           const std::string& cgroups_path) {
  auto it = containers_.find(id);
  if (it == containers_.end()) return base::ok();
  Entry& entry = it->second;
  auto draft = std::make_shared<ContainerReport>(*entry.report);
  draft->container.pid = pid;
  if (!cgroups_path.empty()) draft->container.cgroups_path = cgroups_path;
  draft->container.state = ContainerState::Running;
  // Known from a list whose work is still queued, or planned by rules that have changed.
  if (!entry.planned) replan(entry, *draft);
  if (draft->plan.rejection) {
    // It was created while we were away; otherwise it would not have come so far.
    base::Status refused = base::error(base::ErrorCode::FailedPrecondition, *draft->plan.rejection);
    publish(entry, std::move(draft));
    return refused;
  }
  converge(entry, std::move(draft), Applier::When::Start);

  const ContainerReport& report = *entry.report;
  if (report.plan.on_error != model::OnError::Reject) return base::ok();
  const PlannedSetting* failed = firstFailureOfThePod(report);
  if (!failed) return base::ok();
  return base::error(base::ErrorCode::FailedPrecondition,
                     "plimsoll: pod " + report.pod.ns + "/" + report.pod.name + ", container " +
                         report.container.name + ": " + failed->request.source.where + " = " +
                         failed->request.raw + ": " + failed->reason + " (on-error: reject)");
}

void Controller::containerUpdating(const std::string& id, const model::BaseResources& base) {
  auto it = containers_.find(id);
  if (it == containers_.end()) return;
  Entry& entry = it->second;
  auto draft = std::make_shared<ContainerReport>(*entry.report);
  mergeBase(draft->container.base, base);
  applier_.prepareResize(entry.handle, *draft);
  publish(entry, std::move(draft));
  entry.planned = false;
  // If the runtime's write fails there is no notice that it is done.
  entry.recheck = loop_.after(options_.resize_recheck, [this, id] { enqueue(id); });
}

void Controller::containerUpdated(const std::string& id) {
  auto it = containers_.find(id);
  if (it == containers_.end()) return;
  it->second.recheck.cancel();
  it->second.planned = false;
  process(id, Applier::When::Resized);
}

void Controller::containerStopped(const std::string& id) {
  auto it = containers_.find(id);
  if (it == containers_.end()) return;
  auto draft = std::make_shared<ContainerReport>(*it->second.report);
  draft->container.state = ContainerState::Stopped;
  draft->container.pid = 0;
  unwatch(it->second);
  it->second.handle.reset();
  applier_.forget(*draft);
  publish(it->second, std::move(draft));
}

void Controller::containerRemoved(const std::string& id) {
  auto it = containers_.find(id);
  if (it == containers_.end()) return;
  unwatch(it->second);
  applier_.forget(*it->second.report);
  containers_.erase(it);
  store_.erase(id);
}

void Controller::converge(Entry& entry, Draft draft, Applier::When when) {
  if (!untold_.empty()) tellPlans();
  const auto start = std::chrono::steady_clock::now();
  ReportPtr before = entry.report;
  const bool wanted = !draft->plan.settings.empty() || entry.withdraw;
  Applier::Outcome outcome = Applier::Outcome::Done;
  const bool first = !entry.converged;
  if (wanted && (entry.handle || hold(entry, *draft))) {
    if (entry.withdraw) entry.withdraw = !applier_.withdraw(*entry.handle, *draft);
    outcome = applier_.converge(*entry.handle, *draft, {when, &policy_.drift, first});
    entry.converged = true;
  }
  publish(entry, std::move(draft));
  narrator_.settled(*before, *entry.report);
  metrics_.reconciled(std::chrono::steady_clock::now() - start);
  if (outcome == Applier::Outcome::Gone) return markGone(entry);
  if (!entry.handle) return;
  watch(entry);
  const auto& settings = entry.report->plan.settings;
  // What to do about it is decided like every foreign write, and again where the rules for them have changed.
  if (std::any_of(settings.begin(), settings.end(), [this](const PlannedSetting& setting) {
        return setting.state == State::Drifted &&
               (setting.reason.empty() ||
                policy::driftMode(policy_.drift, setting.request.setting) == model::DriftMode::Enforce);
      }))
    somebodyWrote(entry.report->container.id);
}

bool Controller::hold(Entry& entry, ContainerReport& draft) {
  auto handle = applier_.open(draft.pod, draft.container);
  if (handle) {
    draft.cgroup_path = handle->path();
    entry.handle = std::move(*handle);
    return true;
  }
  if (handle.error().isGone()) markGone(entry);
  for (PlannedSetting& setting : draft.plan.settings) {
    if (setting.state != State::Pending) continue;
    setting.state = State::Failed;
    setting.reason = handle.error().message;
    setting.error_number = handle.error().sys_errno;
  }
  return false;
}

void Controller::markGone(Entry& entry) {
  unwatch(entry);
  entry.handle.reset();
  if (!entry.gone_since) entry.gone_since = sys::EventLoop::Clock::now();
}

void Controller::replan(Entry& entry, ContainerReport& draft) {
  bool first = draft.plan.settings.empty() && draft.plan.problems.empty();
  plan(draft, !first);
  entry.planned = true;
  entry.withdraw = true;
  entry.fights.clear();
  if (!first) return;
  narrator_.planMade(draft);
  metrics_.planMade(draft.plan);
  // What was told just now is not told again as a change.
  entry.report = std::make_shared<ContainerReport>(draft);
}

void Controller::process(const std::string& id, Applier::When when) {
  auto it = containers_.find(id);
  if (it == containers_.end() || it->second.report->container.state == ContainerState::Stopped) return;
  Entry& entry = it->second;
  auto draft = std::make_shared<ContainerReport>(*entry.report);
  if (!entry.planned) {
    replan(entry, *draft);
    // It runs already: that it should not have started is no news to act on.
    draft->plan.rejection.reset();
  }
  if (when == Applier::When::Resized) {
    // Whatever somebody wrote before, the runtime has written its own now.
    for (PlannedSetting& setting : draft->plan.settings) {
      if (setting.state == State::Drifted) setting.state = State::Pending;
    }
  }
  // A container that is only created has no cgroup; StartContainer will bring it.
  if (draft->container.pid == 0 && draft->container.state != ContainerState::Running) {
    publish(entry, std::move(draft));
    return;
  }
  converge(entry, std::move(draft), when);
}

}  // namespace plimsoll::control
