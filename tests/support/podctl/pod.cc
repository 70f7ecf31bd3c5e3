#include "tests/support/podctl/pod.h"

#include <yaml-cpp/yaml.h>

#include <cstdio>
#include <functional>
#include <initializer_list>
#include <utility>

#include "pkg/model/quantity.h"

namespace plimsoll::podctl {
namespace {

// Inside this file yaml-cpp's exceptions are the error channel; parsePods turns them into Results.
struct Refusal {
  std::string message;
};

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
  throw Refusal{where + ": " + why};
}

void onlyKeys(const YAML::Node& node, const std::string& where,
              std::initializer_list<std::string_view> known) {
  if (!node.IsDefined()) return;
  if (!node.IsMap()) refuse(where, "is not a mapping");
  for (const auto& entry : node) {
    const std::string key = entry.first.as<std::string>();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      refuse(where, "field \"" + key + "\" is not supported here");
    }
  }
}

template <typename T>
T get(const YAML::Node& node, const char* key, T otherwise) {
  return node[key] ? node[key].as<T>() : otherwise;
}

std::vector<std::string> strings(const YAML::Node& node) {
  return node ? node.as<std::vector<std::string>>() : std::vector<std::string>{};
}

std::map<std::string, std::string> stringMap(const YAML::Node& node) {
  return node ? node.as<std::map<std::string, std::string>>() : std::map<std::string, std::string>{};
}

int64_t quantity(const YAML::Node& value, const std::string& where, int64_t scale) {
  const auto text = value.as<std::string>();
  auto number = model::parseQuantity(text, scale);
  if (!number) refuse(where, "\"" + text + "\" " + number.error().message);
  return *number;
}

// The API says hugepages-2Mi, the kernel says hugetlb.2MB.
std::string hugepageFileName(std::string size) {
  if (!size.empty() && size.back() == 'i') size.back() = 'B';
  return size;
}

Amounts amounts(const YAML::Node& node, const std::string& where) {
  Amounts out;
  if (!node) return out;
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    const std::string field = where + "." + key;
    if (key == "cpu") {
      out.milli_cpu = quantity(entry.second, field, 1000);
    } else if (key == "memory") {
      out.memory = quantity(entry.second, field, 1);
    } else if (key.rfind("hugepages-", 0) == 0) {
      out.hugepages[hugepageFileName(key.substr(10))] = quantity(entry.second, field, 1);
    } else {
      refuse(field, "is not a resource that is supported here");
    }
  }
  return out;
}

void readResources(const YAML::Node& node, const std::string& where, ContainerSpec& out) {
  onlyKeys(node, where, {"requests", "limits"});
  if (!node) return;
  out.requests = amounts(node["requests"], where + ".requests");
  out.limits = amounts(node["limits"], where + ".limits");
  if (!out.requests.milli_cpu) out.requests.milli_cpu = out.limits.milli_cpu;
  if (!out.requests.memory) out.requests.memory = out.limits.memory;
}

void readSecurity(const YAML::Node& node, const std::string& where, ContainerSpec& out) {
  onlyKeys(node, where,
           {"privileged", "readOnlyRootFilesystem", "runAsUser", "capabilities", "allowPrivilegeEscalation",
            "seccompProfile"});
  if (!node) return;
  out.no_new_privileges = !get(node, "allowPrivilegeEscalation", true);
  if (const YAML::Node seccomp = node["seccompProfile"]) {
    onlyKeys(seccomp, where + ".seccompProfile", {"type", "localhostProfile"});
    if (get<std::string>(seccomp, "type", "") != "Localhost")
      refuse(where + ".seccompProfile", "only the type Localhost is supported here");
    // The kubelet prefixes its own directory; here it is the whole path.
    out.seccomp_profile = get<std::string>(seccomp, "localhostProfile", "");
  }
  out.privileged = get(node, "privileged", false);
  out.read_only_root = get(node, "readOnlyRootFilesystem", false);
  if (node["runAsUser"]) out.run_as_user = node["runAsUser"].as<int64_t>();
  if (const YAML::Node capabilities = node["capabilities"]) {
    onlyKeys(capabilities, where + ".capabilities", {"add", "drop"});
    out.add_capabilities = strings(capabilities["add"]);
    out.drop_capabilities = strings(capabilities["drop"]);
  }
}

std::map<std::string, std::string> hostPaths(const YAML::Node& volumes) {
  std::map<std::string, std::string> out;
  for (const auto& volume : volumes) {
    const auto name = volume["name"].as<std::string>("");
    const std::string where = "volume \"" + name + "\"";
    onlyKeys(volume, where, {"name", "hostPath"});
    onlyKeys(volume["hostPath"], where + ".hostPath", {"path", "type"});
    if (!volume["hostPath"]) refuse(where, "only hostPath volumes are supported here");
    out[name] = volume["hostPath"]["path"].as<std::string>();
  }
  return out;
}

void readMounts(const YAML::Node& mounts, const std::map<std::string, std::string>& volumes,
                const std::string& where, ContainerSpec& out) {
  for (const auto& mount : mounts) {
    onlyKeys(mount, where + ".volumeMounts", {"name", "mountPath", "readOnly", "mountPropagation"});
    const auto name = mount["name"].as<std::string>("");
    auto volume = volumes.find(name);
    if (volume == volumes.end()) refuse(where + ".volumeMounts", "no volume is named \"" + name + "\"");
    out.mounts.push_back(
        {.mount_path = mount["mountPath"].as<std::string>(),
         .host_path = volume->second,
         .read_only = get(mount, "readOnly", false),
         .bidirectional = get<std::string>(mount, "mountPropagation", "") == "Bidirectional"});
  }
}

ContainerSpec readContainer(const YAML::Node& node, const std::map<std::string, std::string>& volumes) {
  ContainerSpec out;
  out.name = get<std::string>(node, "name", "");
  const std::string where = "container \"" + out.name + "\"";
  if (out.name.empty()) refuse("spec.containers", "a container has no name");
  onlyKeys(node, where,
           {"name", "image", "imagePullPolicy", "command", "args", "workingDir", "env", "resources",
            "volumeMounts", "securityContext"});
  out.image = get<std::string>(node, "image", "");
  if (out.image.empty()) refuse(where, "has no image");
  out.command = strings(node["command"]);
  out.args = strings(node["args"]);
  out.working_dir = get<std::string>(node, "workingDir", "");
  for (const auto& variable : node["env"]) {
    onlyKeys(variable, where + ".env", {"name", "value"});
    out.env.emplace_back(variable["name"].as<std::string>(), get<std::string>(variable, "value", ""));
  }
  readResources(node["resources"], where + ".resources", out);
  readSecurity(node["securityContext"], where + ".securityContext", out);
  readMounts(node["volumeMounts"], volumes, where, out);
  return out;
}

// The same pod gets the same uid again; the shape is a UUID's, the bits are FNV-1a's.
std::string madeUpUid(const std::string& key) {
  uint64_t high = 0xcbf29ce484222325, low = 0x84222325cbf29ce4;
  for (unsigned char c : key) {
    high = (high ^ c) * 0x100000001b3;
    low = (low ^ c) * 0x100000001b3 + 1;
  }
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xffff), static_cast<unsigned>(high & 0xfff),
                static_cast<unsigned>(low >> 52), static_cast<unsigned long long>(low & 0xffffffffffff));
  return text;
}

void readSpec(const YAML::Node& spec, PodSpec& out) {
  onlyKeys(spec, "spec",
           {"containers", "volumes", "hostNetwork", "hostPID", "hostIPC", "terminationGracePeriodSeconds",
            "securityContext", "restartPolicy", "nodeName", "serviceAccountName", "priorityClassName"});
  out.host_network = get(spec, "hostNetwork", false);
  out.host_pid = get(spec, "hostPID", false);
  out.host_ipc = get(spec, "hostIPC", false);
  out.grace_seconds = get<int64_t>(spec, "terminationGracePeriodSeconds", 30);
  if (const YAML::Node security = spec["securityContext"]) {
    onlyKeys(security, "spec.securityContext", {"sysctls"});
    for (const auto& sysctl : security["sysctls"]) {
      out.sysctls[sysctl["name"].as<std::string>()] = sysctl["value"].as<std::string>();
    }
  }
  const auto volumes = hostPaths(spec["volumes"]);
  for (const auto& container : spec["containers"])
    out.containers.push_back(readContainer(container, volumes));
  if (out.containers.empty()) refuse("spec", "has no containers");
}

PodSpec readPod(const YAML::Node& document) {
  PodSpec out;
  onlyKeys(document, "the document", {"apiVersion", "kind", "metadata", "spec"});
  const auto kind = get<std::string>(document, "kind", "");
  if (kind != "Pod") refuse("kind", "is \"" + kind + "\", only Pod is supported here");
  const YAML::Node metadata = document["metadata"];
  onlyKeys(metadata, "metadata", {"name", "namespace", "uid", "labels", "annotations"});
  if (!metadata || !metadata["name"]) refuse("metadata.name", "is missing");
  out.name = metadata["name"].as<std::string>();
  out.name_space = get<std::string>(metadata, "namespace", "default");
  out.uid = get<std::string>(metadata, "uid", madeUpUid(out.name_space + "/" + out.name));
  out.labels = stringMap(metadata["labels"]);
  out.annotations = stringMap(metadata["annotations"]);
  if (!document["spec"]) refuse("spec", "is missing");
  readSpec(document["spec"], out);
  return out;
}

}  // namespace

base::Result<std::vector<PodSpec>> parsePods(std::string_view yaml) {
  std::vector<PodSpec> pods;
  size_t number = 0;
  try {
    for (const YAML::Node& document : YAML::LoadAll(std::string(yaml))) {
      ++number;
      if (!document.IsNull()) pods.push_back(readPod(document));
    }
  } catch (const Refusal& refusal) {
    return base::invalidArgument("document " + std::to_string(number) + ": " + refusal.message);
  } catch (const YAML::Exception& e) {
    return base::invalidArgument("document " + std::to_string(number) + ": " + e.what());
  }
  if (pods.empty()) return base::invalidArgument("no pod in it");
  return pods;
}

}  // namespace plimsoll::podctl
