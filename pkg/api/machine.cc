#include "pkg/api/machine.h"

#include <set>

#include "pkg/api/answers.h"
#include "pkg/api/convert.h"
#include "pkg/api/utf8.h"
#include "pkg/base/parse.h"

namespace plimsoll::api {
namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kMostText = 4 << 20;

const std::vector<std::string>& treeFiles() {
  static const std::vector<std::string> kFiles = {"cgroup.type",
                                                  "cpu.weight",
                                                  "cpu.max",
                                                  "cpu.idle",
                                                  "cpuset.cpus.effective",
                                                  "cpuset.mems.effective",
                                                  "memory.current",
                                                  "memory.min",
                                                  "memory.low",
                                                  "memory.high",
                                                  "memory.max",
                                                  "memory.swap.max",
                                                  "io.weight",
                                                  "io.max",
                                                  "pids.current",
                                                  "pids.max"};
  return kFiles;
}

void toProto(const CgroupTexts& cgroup, pb::Cgroup* out) {
  out->set_path(validUtf8(cgroup.path));
  for (const NamedText& file : cgroup.files) {
    pb::CgroupFile* to = out->add_files();
    to->set_name(file.name);
    to->set_text(validUtf8(base::trim(file.text)));
    to->set_problem(validUtf8(file.problem));
  }
}

bool isMeant(const model::ContainerReport& report, const std::string& ns, const std::string& pod) {
  return (ns.empty() || report.pod.ns == ns) && (pod.empty() || report.pod.name == pod);
}

void toProto(const model::NumaNode& node, pb::NumaNode* out) {
  out->set_id(node.id);
  out->set_cpus(node.cpus.toString());
  if (node.memory_bytes) out->set_memory_bytes(*node.memory_bytes);
  if (node.free_bytes) out->set_free_bytes(*node.free_bytes);
  for (int distance : node.distances) out->add_distances(distance);
  for (const model::HugePagePool& pool : node.huge_pages) {
    pb::HugePages* to = out->add_huge_pages();
    to->set_page_bytes(pool.page_bytes);
    to->set_total(pool.total);
    to->set_free(pool.free);
  }
}

void toProto(const model::CpuCache& cache, pb::CpuCache* out) {
  out->set_level(cache.level);
  out->set_type(validUtf8(cache.type));
  out->set_bytes(cache.bytes);
  out->set_cpus(cache.cpus.toString());
}

std::string textOf(const std::vector<CgroupTexts>& cgroups, std::string_view name) {
  for (const CgroupTexts& cgroup : cgroups) {
    for (const NamedText& file : cgroup.files) {
      if (file.name == name) return validUtf8(base::trim(file.text));
    }
  }
  return "";
}

void addPlacement(const Source& source, const model::ContainerReport& report, pb::Topology* out) {
  if (report.plan.settings.empty() || report.cgroup_path.empty() ||
      report.container.state == model::ContainerState::Stopped)
    return;
  const auto cgroups = source.cgroups(report, {"cpuset.cpus.effective", "cpuset.mems.effective"}, false);
  if (!cgroups && cgroups.error().isGone()) return;
  pb::Placement* placement = out->add_containers();
  placement->set_id(validUtf8(report.container.id));
  placement->set_name(validUtf8(report.container.name));
  placement->set_namespace_(validUtf8(report.pod.ns));
  placement->set_pod(validUtf8(report.pod.name));
  if (!cgroups) return;
  placement->set_cpus(textOf(*cgroups, "cpuset.cpus.effective"));
  placement->set_mems(textOf(*cgroups, "cpuset.mems.effective"));
}

}  // namespace

Result<pb::GetTreeResponse> getTree(const Source& source, const pb::GetTreeRequest& request) {
  if (request.namespace_().empty() || request.pod().empty())
    return base::invalidArgument("a tree is of one pod: namespace and pod are needed");
  pb::GetTreeResponse response;
  std::set<std::string> seen;
  for (const ReportPtr& report : source.containers()) {
    if (!isMeant(*report, request.namespace_(), request.pod()) || report->cgroup_path.empty()) continue;
    const auto cgroups = source.cgroups(*report, treeFiles(), true);
    if (!cgroups && cgroups.error().isGone()) continue;
    if (!cgroups) return tl::unexpected(cgroups.error());
    // The root is first in each, so that parents stay before their children.
    for (const CgroupTexts& cgroup : *cgroups) {
      if (!seen.insert(cgroup.path).second) continue;
      pb::Cgroup* out = response.add_cgroups();
      toProto(cgroup, out);
      if (cgroup.path == report->cgroup_path) out->set_container(validUtf8(report->container.name));
    }
  }
  if (seen.empty())
    return base::error(ErrorCode::NotFound, "no container of pod " + validUtf8(request.namespace_(), 64) +
                                                "/" + validUtf8(request.pod(), 256) +
                                                " with a cgroup is known");
  return response;
}

Result<pb::Topology> getTopology(const Source& source, const pb::GetTopologyRequest& request) {
  ASSIGN_OR_RETURN(const model::Topology machine, source.topology());
  pb::Topology out;
  for (const model::NumaNode& node : machine.nodes) toProto(node, out.add_nodes());
  for (const model::CpuCache& cache : machine.caches) toProto(cache, out.add_caches());
  for (const model::CpuSet& core : machine.cores) out.add_cores(core.toString());
  for (const std::string& problem : machine.problems) out.add_problems(validUtf8(problem));
  for (const ReportPtr& report : source.containers()) {
    if (isMeant(*report, request.namespace_(), request.pod())) addPlacement(source, *report, &out);
  }
  return out;
}

Result<pb::SimulateResponse> simulate(const Source& source, const pb::SimulateRequest& request) {
  const std::string ns = request.namespace_().empty() ? "default" : request.namespace_();
  ASSIGN_OR_RETURN(const std::vector<model::ContainerReport> reports,
                   source.simulate(request.manifest(), ns));
  pb::SimulateResponse response;
  for (const model::ContainerReport& report : reports) toProto(report, response.add_containers());
  ASSIGN_OR_RETURN(*response.mutable_lint(), lintText(request.manifest()));
  return response;
}

pb::Diagnostics diagnostics(const Source& source) {
  pb::Diagnostics out;
  for (const NamedText& each : source.diagnostics()) {
    pb::DiagnosticText* text = out.add_texts();
    text->set_name(each.name);
    text->set_text(validUtf8(each.text, kMostText));
    text->set_problem(validUtf8(each.problem));
  }
  return out;
}

}  // namespace plimsoll::api
