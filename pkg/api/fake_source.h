// A source whose content is set by hand: for the tests of the server and of kubectl-plimsoll.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "pkg/api/source.h"
#include "pkg/model/value.h"

namespace plimsoll::api {

class FakeSource final : public Source {
 public:
  explicit FakeSource(size_t events = EventRing::kDefaultCapacity) : ring_(events) {}

  NodeInfo node() const override {
    std::lock_guard lock(mutex_);
    return node_;
  }
  std::vector<ReportPtr> containers() const override {
    std::lock_guard lock(mutex_);
    return reports_;
  }
  EventRing& events() override { return ring_; }

  base::Result<std::vector<journal::Record>> history(const journal::HistoryQuery& query) const override {
    std::vector<journal::Record> matching;
    for (const journal::Record& record : records_) {
      const bool other = !query.pod.empty() && record.change.owner.pod != query.pod;
      if (!other && matching.size() < query.limit) matching.push_back(record);
    }
    return matching;
  }
  base::Result<std::vector<model::ContainerReport>> simulate(std::string_view manifest,
                                                             const std::string& ns) const override {
    if (manifest.find("kind: Pod") == manifest.npos) return std::vector<model::ContainerReport>();
    std::vector<model::ContainerReport> simulated = simulated_;
    for (model::ContainerReport& report : simulated) report.pod.ns = ns;
    return simulated;
  }
  base::Result<std::vector<CgroupTexts>> cgroups(const model::ContainerReport&,
                                                 const std::vector<std::string>& files,
                                                 bool above) const override {
    std::vector<CgroupTexts> out;
    for (const CgroupTexts& cgroup : cgroups_) {
      CgroupTexts asked{cgroup.path, {}};
      for (const NamedText& file : cgroup.files) {
        if (std::find(files.begin(), files.end(), file.name) != files.end()) asked.files.push_back(file);
      }
      out.push_back(std::move(asked));
    }
    if (!above && out.size() > 1) out.erase(out.begin(), out.end() - 1);
    return out;
  }
  base::Result<model::Topology> topology() const override { return topology_; }
  std::vector<NamedText> diagnostics() const override { return texts_; }

  // Before the server starts, too: what simulate() gives for a Pod, the cgroups of every container (the root
  // first), the machine, and texts.
  void setSimulated(std::vector<model::ContainerReport> reports) { simulated_ = std::move(reports); }
  void setCgroups(std::vector<CgroupTexts> cgroups) { cgroups_ = std::move(cgroups); }
  void setTopology(model::Topology topology) { topology_ = std::move(topology); }
  void setDiagnostics(std::vector<NamedText> texts) { texts_ = std::move(texts); }

  // Before the server starts.
  void add(journal::Record record) { records_.push_back(std::move(record)); }

  void setNode(NodeInfo node) {
    std::lock_guard lock(mutex_);
    node_ = std::move(node);
  }
  // Kept in the order given.
  void add(model::ContainerReport report) {
    std::lock_guard lock(mutex_);
    reports_.push_back(std::make_shared<const model::ContainerReport>(std::move(report)));
  }
  void push(std::string reason, std::string message, std::string ns = "default", std::string pod = "web-0") {
    model::Event event;
    event.reason = std::move(reason);
    event.message = std::move(message);
    event.ns = std::move(ns);
    event.pod = std::move(pod);
    ring_.push(std::move(event));
  }

 private:
  mutable std::mutex mutex_;
  NodeInfo node_;                   // guarded by mutex_
  std::vector<ReportPtr> reports_;  // guarded by mutex_
  std::vector<journal::Record> records_;
  std::vector<model::ContainerReport> simulated_;
  std::vector<CgroupTexts> cgroups_;
  model::Topology topology_;
  std::vector<NamedText> texts_;
  EventRing ring_;
};

// One setting of a report, as the controller would have filled it in.
inline model::PlannedSetting plannedSetting(const std::string& key, const std::string& raw,
                                            model::State state, std::optional<std::string> actual = {}) {
  model::PlannedSetting setting;
  setting.request.setting = model::findSetting(key).value();
  setting.request.raw = raw;
  setting.request.source = {model::SourceKind::PodAnnotation, "plimsoll.dev/" + key};
  if (state != model::State::Invalid) {
    setting.request.value = model::parseValue(*setting.request.setting.spec, raw).value();
  }
  setting.value = setting.request.value;
  setting.state = state;
  setting.actual = std::move(actual);
  return setting;
}

inline model::ContainerReport containerReport(const std::string& ns, const std::string& pod,
                                              const std::string& container, const std::string& id) {
  model::ContainerReport report;
  report.pod.ns = ns;
  report.pod.name = pod;
  report.pod.uid = "uid-" + pod;
  report.pod.labels = {{"app", pod.substr(0, pod.find('-'))}};
  report.pod.qos = model::QosClass::Burstable;
  report.container.name = container;
  report.container.id = id;
  report.container.state = model::ContainerState::Running;
  report.container.pid = 4711;
  report.cgroup_path = "/kubepods/burstable/poduid-" + pod + "/" + id;
  report.config_generation = 1;
  return report;
}

}  // namespace plimsoll::api
