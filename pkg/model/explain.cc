#include "pkg/model/explain.h"

#include <algorithm>

#include "pkg/model/quantity.h"

namespace plimsoll::model {
namespace {

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (std::string_view word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

std::string podFormText(const SettingSpec& spec) {
  if (spec.pod_form.empty()) return "";
  return std::string(kAnnotationDomain) + "/" + std::string(spec.key) + " means " +
         std::string(spec.pod_form) + ": one limit that the pod's containers share";
}

std::string foreignText(const SettingSpec& spec) {
  std::string text;
  for (const ForeignAnnotation& each : foreignAnnotations()) {
    if (each.key == spec.key) text.append(text.empty() ? "" : ", ").append(each.annotation);
  }
  return text.empty() ? text : "the annotation " + text + ", where the pod says nothing of ours";
}

Explanation explainAs(const SettingSpec& spec, std::string_view key, std::string_view file) {
  Explanation out{std::string(key), std::string(spec.help), {}};
  const auto add = [&out](std::string label, std::string text) {
    if (!text.empty()) out.fields.emplace_back(std::move(label), std::move(text));
  };
  add("Type", typeText(spec));
  add("Values", std::string(spec.unit));
  if (key.find('<') != std::string_view::npos)
    add(spec.free_name != nullptr ? "For example" : "Instances", joined(spec.instances));
  add("Sets", targetText(spec, file));
  add("Acts in", std::string(actsInText(actsIn({&spec, std::string(key), std::string(file)}))));
  add("Pod-wide", podFormText(spec));
  add("Also read", foreignText(spec));
  if (spec.target != Target::Plimsoll) add("Since", sinceText(spec));
  add("Live", spec.live ? "yes, may change on a running container" : "no, only at the container's start");
  add("At creation", carrierText(spec));
  add("Allowed", allowedText(spec));
  add("May hurt", spec.hurts.empty() ? "nothing but the container itself" : std::string(spec.hurts));
  const std::string shown_key =
      key.find('<') == std::string_view::npos ? std::string(key) : concreteKeys(spec).front();
  add("Example",
      std::string(kAnnotationDomain) + "/" + shown_key + ": \"" + std::string(spec.example) + "\"");
  return out;
}

}  // namespace

std::string_view typeName(ValueType type) {
  switch (type) {
    case ValueType::Integer:
      return "whole number";
    case ValueType::Flag:
      return "true or false";
    case ValueType::Bytes:
      return "quantity of bytes (512Mi, 1G)";
    case ValueType::CpuMax:
      return "quantity of CPUs (1500m, 2) and period";
    case ValueType::Duration:
      return "duration (20ms, 1.5s)";
    case ValueType::Percent:
      return "percentage (12.5%)";
    case ValueType::CpuList:
      return "list of numbers (0-3,8)";
    case ValueType::Word:
      return "word";
    case ValueType::IoWeight:
      return "weight, also per device";
    case ValueType::IoMax:
      return "limits per device";
    case ValueType::IoLatency:
      return "duration per device";
    case ValueType::Rlimit:
      return "soft and hard limit (1024:4096)";
    case ValueType::ClassName:
      return "name of a class";
    case ValueType::Document:
      return "YAML document";
    case ValueType::Integers:
      return "whole numbers";
    case ValueType::PortList:
      return "list of ports (8080,9000-9100)";
    case ValueType::IoPriority:
      return "class and level";
    case ValueType::Profile:
      return "name of a seccomp profile";
    case ValueType::Scheduler:
      return "policy, with nice or priority";
    case ValueType::BitRate:
      return "quantity of bits per second (10M, 1G)";
    case ValueType::Dscp:
      return "code point";
  }
  return "";
}

std::string typeText(const SettingSpec& spec) {
  std::string text(typeName(spec.type));
  if (spec.allows_max) text += spec.type == ValueType::Rlimit ? ", or unlimited" : ", or max";
  return text;
}

std::string_view permissionText(Permission permission) {
  switch (permission) {
    case Permission::Free:
      return "any pod";
    case Permission::LowerOnly:
      return "any pod, up to what the kubelet or the class gave; more needs a rule";
    case Permission::RaiseOnly:
      return "any pod, from what the kubelet or the class gave upwards; less needs a rule";
    case Permission::RuleOnly:
      return "only with a rule in the node's configuration";
  }
  return "";
}

std::string allowedText(const SettingSpec& spec) {
  if (spec.free_words.empty()) return std::string(permissionText(spec.permission));
  std::string others;
  for (std::string_view word : spec.words) {
    const bool free =
        std::find(spec.free_words.begin(), spec.free_words.end(), word) != spec.free_words.end();
    if (!free) others.append(others.empty() ? "" : ", ").append(word);
  }
  return "any pod for " + joined(spec.free_words) + "; " + others + " " +
         std::string(permissionText(spec.permission));
}

std::string carrierText(const SettingSpec& spec) {
  if (spec.target == Target::Plimsoll) return "";
  switch (spec.carrier) {
    case Carrier::None:
      return "written when the container starts, before its first instruction";
    case Carrier::Unified:
      return "in the runtime's creation request (NRI, unified)";
    case Carrier::OomScoreAdj:
      return "in the runtime's creation request where its NRI carries oom_score_adj (0.7)";
    case Carrier::Rlimit:
      return "in the runtime's creation request (NRI, rlimits)";
    case Carrier::Sysctl:
      return "in the runtime's creation request where its NRI carries sysctls (0.11) and the agent may not "
             "enter "
             "namespaces; else written before the container's first instruction";
    case Carrier::IoPriority:
      return "in the runtime's creation request where its NRI carries io priorities (0.10)";
    case Carrier::Seccomp:
      return "in the runtime's creation request, nowhere else; needs NRI 0.10 (containerd 2.2.0, CRI-O 1.34)";
    case Carrier::Namespace:
      return "in the runtime's creation request, nowhere else; needs NRI 0.10 (containerd 2.2.0, CRI-O 1.34)";
    case Carrier::Scheduler:
      return "in the runtime's creation request where its NRI carries scheduling policies (0.11)";
  }
  return "";
}

std::string targetText(const SettingSpec& spec, std::string_view file) {
  switch (spec.target) {
    case Target::CgroupFile:
      return std::string(file) + " in the container's cgroup";
    case Target::OomScoreAdj:
      return "/proc/<pid>/oom_score_adj of the container's processes";
    case Target::Rlimit:
      return std::string(file) + " of the container's processes";
    case Target::Sysctl:
      return "/proc/sys/" + std::string(file) + " as the pod sees it";
    case Target::Link:
      return std::string(file) + " of the pod's link (the one with the default route, else eth0)";
    case Target::IoPriority:
      return "the io priority of every thread of the container";
    case Target::Scheduler:
      return "the scheduling policy of every thread of the container";
    case Target::Seccomp:
      return "the system call filter of the container's processes";
    case Target::Namespace:
      return "the " + std::string(file) + " namespace of the container's processes";
    case Target::Traffic:
      return std::string(file) + " of the " + (spec.acts_in == ActsIn::PodTraffic ? "pod" : "container") +
             " in the maps of the traffic programs";
    case Target::Plimsoll:
      return "nothing in the kernel; steers Plimsoll";
  }
  return "";
}

std::string_view actsInText(ActsIn where) {
  switch (where) {
    case ActsIn::Cgroup:
      return "the container's cgroup";
    case ActsIn::Process:
      return "the container's processes";
    case ActsIn::NetworkNamespace:
      return "the pod's network namespace, for all its containers";
    case ActsIn::IpcNamespace:
      return "the pod's IPC namespace, for all its containers";
    case ActsIn::Traffic:
      return "what the container sends and receives";
    case ActsIn::PodTraffic:
      return "what all the pod's containers together send and receive";
    case ActsIn::ByTarget:
    case ActsIn::Nothing:
      break;
  }
  return "";
}

std::string sinceText(const SettingSpec& spec) {
  if (spec.since == KernelVersion{}) return "any";
  return "Linux " + std::to_string(spec.since.major) + "." + std::to_string(spec.since.minor);
}

std::string Explanation::toText() const {
  size_t width = 0;
  for (const auto& [label, text] : fields) width = std::max(width, label.size());
  std::string out = key + "\n    " + help + "\n\n";
  for (const auto& [label, text] : fields) {
    out += label + ":" + std::string(width - label.size() + 2, ' ') + text + "\n";
  }
  return out;
}

Explanation explain(const SettingSpec& spec) { return explainAs(spec, spec.key, spec.file); }

base::Result<Explanation> explain(std::string_view key) {
  const std::string prefix = std::string(kAnnotationDomain) + "/";
  if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
  if (auto found = findSetting(key)) return explainAs(*found->spec, found->key, found->file);
  for (const SettingSpec& spec : settingsTable()) {
    if (spec.key == key) return explain(spec);
  }
  if (std::string why = whyNoSetting(key); !why.empty())
    return base::error(base::ErrorCode::NotFound, std::move(why));
  std::string message = inQuotes(key) + " is not a setting";
  if (auto near = nearestSettingKey(key)) message += "; did you mean " + *near + "?";
  return base::error(base::ErrorCode::NotFound, std::move(message));
}

std::string explainList() {
  size_t width = 0;
  for (const SettingSpec& spec : settingsTable()) width = std::max(width, spec.key.size());
  std::string out;
  for (const SettingSpec& spec : settingsTable()) {
    out.append(spec.key).append(width - spec.key.size() + 3, ' ').append(spec.help).append("\n");
  }
  return out;
}

}  // namespace plimsoll::model
