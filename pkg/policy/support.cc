#include "pkg/policy/support.h"

namespace plimsoll::policy {
namespace {

using model::KernelVersion;
using model::NodeFacts;
using model::SettingKey;

std::string versionText(const KernelVersion& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

std::string missingFile(const SettingKey& setting, const NodeFacts& node) {
  const std::string controller(setting.spec->controller);
  if (!controller.empty() && !node.controllers.empty() && !node.controllers.contains(controller)) {
    return "this node's cgroup tree lacks the " + controller + " controller, so there is no " + setting.file;
  }
  if (setting.spec->group == "hugetlb") return "this node has no huge pages of this size";
  return "the kernel of this node (" + node.kernel_release + ") has no " + setting.file;
}

std::optional<std::string> offline(const SettingKey& setting, const model::Value& value,
                                   const NodeFacts& node) {
  const auto* asked = std::get_if<model::CpuSet>(&value);
  if (!asked) return std::nullopt;
  const bool mems = setting.key == "cpuset.mems";
  const model::CpuSet& online = mems ? node.online_mems : node.online_cpus;
  if (online.empty() || online.containsAll(*asked)) return std::nullopt;
  return std::string(mems ? "memory nodes " : "CPUs ") + asked->without(online).toString() +
         " are not online on this node, which has " + online.toString();
}

}  // namespace

std::optional<std::string> unsupportedReason(const SettingKey& setting, const model::Value& value,
                                             const NodeFacts& node) {
  if (setting.spec->target == model::Target::Traffic) {
    if (!node.traffic) return "traffic control is off on this node (network.enabled of its configuration)";
    if (!node.traffic_problem.empty()) return "no traffic control on this node: " + node.traffic_problem;
  }
  const bool files_known = setting.spec->target == model::Target::CgroupFile && !node.cgroup_files.empty();
  if (files_known) {
    if (!node.cgroup_files.contains(setting.file)) return missingFile(setting, node);
  } else if (node.kernel.major > 0 && node.kernel < setting.spec->since) {
    return setting.key + " needs Linux " + versionText(setting.spec->since) + ", and this is " +
           versionText(node.kernel);
  }
  return offline(setting, value, node);
}

}  // namespace plimsoll::policy
