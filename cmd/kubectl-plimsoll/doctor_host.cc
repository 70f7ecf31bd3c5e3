// The node's half of doctor.h: kernel, cgroups, NRI, swap.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "cmd/kubectl-plimsoll/doctor.h"

namespace plimsoll::cli {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr const char* kNriSocket = "/var/run/nri/nri.sock";
constexpr const char* kContainerdConfig = "/etc/containerd/config.toml";

std::optional<std::string> readText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kMaxFileBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

std::string firstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

bool isSocket(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

Check checkKernel(const std::string& root) {
  const auto release = readText(root + "/proc/sys/kernel/osrelease");
  int major = 0, minor = 0;
  if (!release || std::sscanf(release->c_str(), "%d.%d", &major, &minor) != 2) {
    return {"kernel", Severity::Warning, "unknown",
            "the kernel's version cannot be read from /proc/sys/kernel/osrelease",
            "run doctor on the node itself, or with --root where its file system is"};
  }
  if (major < 6 || (major == 6 && minor < 1)) {
    return {"kernel", Severity::Warning, firstLine(*release),
            "Plimsoll is tried on Linux 6.1 and later; some settings are missing here",
            "upgrade the kernel, or see `explain --list` for what each setting needs"};
  }
  return {"kernel", Severity::Ok, firstLine(*release), "", ""};
}

std::vector<Check> checkCgroups(const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  const auto text = readText(mount + "/cgroup.controllers");
  if (!text) {
    const bool hybrid = readText(mount + "/unified/cgroup.controllers").has_value();
    return {{"cgroup", Severity::Error, hybrid ? "hybrid: cgroup v1 beside v2" : "cgroup v1, or not mounted",
             "Plimsoll writes cgroup v2 files only; the agent does not start here",
             "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all on the kernel's command line"}};
  }
  std::istringstream words(*text);
  const std::vector<std::string> controllers{std::istream_iterator<std::string>(words), {}};
  std::vector<Check> checks = {{"cgroup", Severity::Ok, "v2: " + firstLine(*text), "", ""}};
  for (const char* name : {"cpu", "cpuset", "io", "memory", "pids", "hugetlb"}) {
    if (std::find(controllers.begin(), controllers.end(), name) != controllers.end()) continue;
    checks.push_back({"controller", Severity::Warning, std::string(name) + " is missing",
                      "the settings of this controller cannot be applied",
                      "enable it in the kernel, or free it from a cgroup v1 mount"});
  }
  return checks;
}

Check checkSwap(const std::string& root) {
  const auto text = readText(root + "/proc/swaps");
  const bool on = text && std::count(text->begin(), text->end(), '\n') > 1;
  if (on) return {"swap", Severity::Ok, "on", "", ""};
  return {"swap", Severity::Info, text ? "off" : "unknown",
          "memory.swap.max and memory.zswap.max have nothing to limit without swap",
          "none needed, unless pods ask for these settings"};
}

std::vector<Check> checkNri(const std::string& root) {
  const bool socket_there = isSocket(root + kNriSocket) || isSocket(root + "/run/nri/nri.sock");
  std::vector<Check> checks;
  if (socket_there) {
    checks.push_back({"nri", Severity::Ok, std::string(kNriSocket) + " is there", "", ""});
  } else {
    checks.push_back(
        {"nri", Severity::Error, std::string(kNriSocket) + " is not there",
         "the runtime tells the agent of containers over this socket; without it nothing is applied",
         "switch NRI on: in containerd 1.7 set disable = false in "
         "[plugins.\"io.containerd.nri.v1.nri\"] and restart containerd; in CRI-O set enable_nri = true"});
  }
  const auto config = readText(root + kContainerdConfig);
  if (!config) return checks;
  for (Check& check : checkContainerdConfig(*config, socket_there)) checks.push_back(std::move(check));
  return checks;
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// [plugins."io.containerd.nri.v1.nri"] in either kind of quotes, also below it.
bool isNriTable(std::string_view table) { return table.find("io.containerd.nri.v1.nri") != table.npos; }

}  // namespace

std::vector<Check> checkContainerdConfig(std::string_view toml, bool socket_there) {
  constexpr std::array<std::string_view, 3> kTimeouts = {"plugin_registration_timeout",
                                                         "plugin_request_timeout", "disable_connections"};
  std::vector<Check> checks;
  const auto add = [&](Severity severity, std::string found, std::string why, std::string fix) {
    checks.push_back({"containerd", severity, std::move(found), std::move(why), std::move(fix)});
  };
  std::string table = "the top level";
  std::istringstream lines{std::string(toml)};
  for (std::string raw; std::getline(lines, raw);) {
    const std::string_view line = trim(std::string_view(raw).substr(0, raw.find('#')));
    if (line.starts_with('[')) {
      table = line;
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == line.npos) continue;
    const std::string_view key = trim(line.substr(0, equals)), value = trim(line.substr(equals + 1));
    const bool nri = isNriTable(table);
    if (nri && key == "disable" && value == "true") {
      add(socket_there ? Severity::Warning : Severity::Error,
          "NRI is disabled in " + std::string(kContainerdConfig),
          socket_there ? "the socket is there, so containerd has not read this yet: NRI will be off after "
                         "its next start"
                       : "containerd offers no NRI socket",
          "set disable = false in " + table + " and restart containerd");
    }
    if (nri && key == "disable_connections" && value == "true") {
      add(Severity::Error, "disable_connections = true",
          "containerd takes no NRI plugin that connects from outside, as the agent does",
          "set disable_connections = false in " + table + " and restart containerd");
    }
    if (!nri && std::find(kTimeouts.begin(), kTimeouts.end(), key) != kTimeouts.end()) {
      add(Severity::Warning, std::string(key) + " stands in " + table,
          "containerd ignores it there, and keeps its default",
          "move it to [plugins.\"io.containerd.nri.v1.nri\"] and restart containerd");
    }
  }
  return checks;
}

std::vector<Check> checkHost(const std::string& root) {
  const std::string base = root == "/" ? "" : root;
  std::vector<Check> checks = {checkKernel(base)};
  for (auto part : {checkCgroups(base), checkNri(base)}) {
    checks.insert(checks.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
  }
  checks.push_back(checkSwap(base));
  return checks;
}

}  // namespace plimsoll::cli
