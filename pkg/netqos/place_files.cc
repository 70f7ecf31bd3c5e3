#include "pkg/netqos/place_files.h"

#include <dirent.h>

#include <algorithm>
#include <memory>

#include "pkg/base/parse.h"

namespace plimsoll::netqos {
namespace {

using bpfobj::CgroupHook;
using bpfobj::Direction;
using bpfobj::Program;

constexpr std::string_view kClsact = "clsact-";

struct Row {
  Program program;
  std::string_view name;  // without "plm_"
  bool on_device;
  Direction direction = Direction::Ingress;
  CgroupHook hook = CgroupHook::SockOps;
};

constexpr Row kRows[] = {
    {Program::PodOut, "pod_out", true, Direction::Ingress},
    {Program::PodIn, "pod_in", true, Direction::Egress},
    {Program::UplinkOut, "uplink_out", true, Direction::Egress},
    {Program::SockOps, "sockops", false, Direction::Egress, CgroupHook::SockOps},
    {Program::CgroupOut, "cg_out", false, Direction::Egress, CgroupHook::SkbEgress},
    {Program::CgroupIn, "cg_in", false, Direction::Ingress, CgroupHook::SkbIngress},
};

// Only these are ever attached.
const Row& rowOf(Program program) {
  return *std::find_if(std::begin(kRows), std::end(kRows) - 1,
                       [program](const Row& row) { return row.program == program; });
}

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

}  // namespace

Direction directionOf(Program program) { return rowOf(program).direction; }
CgroupHook cgroupHookOf(Program program) { return rowOf(program).hook; }

std::string Place::program_name() const { return "plm_" + std::string(rowOf(program).name); }

std::string Place::pin() const {
  const std::string what =
      onDevice() ? "device-" + std::to_string(ifindex) : "cgroup-" + std::to_string(cgroup.id);
  return what + "-" + std::string(rowOf(program).name);
}

std::string Place::where() const {
  if (!onDevice()) return "cgroup " + cgroup.path;
  return (directionOf(program) == Direction::Ingress ? "ingress" : "egress") + std::string(" of device ") +
         std::to_string(ifindex);
}

std::optional<Place> Place::fromPin(const std::string& name) {
  const std::vector<std::string_view> parts = base::split(name, '-');
  if (parts.size() != 3) return std::nullopt;
  auto number = base::parseInt<uint64_t>(parts[1]);
  for (const Row& row : kRows) {
    if (row.name != parts[2] || !number || *number == 0) continue;
    if (parts[0] != (row.on_device ? "device" : "cgroup")) return std::nullopt;
    Place place{.program = row.program};
    if (row.on_device) {
      place.ifindex = static_cast<uint32_t>(*number);
    } else {
      place.cgroup.id = *number;
    }
    return place;
  }
  return std::nullopt;
}

std::string clsactMarker(uint32_t ifindex) { return std::string(kClsact) + std::to_string(ifindex); }

std::vector<uint32_t> clsactMarkers(const std::string& folder) {
  std::vector<uint32_t> out;
  for (const std::string& name : namesIn(folder)) {
    if (!name.starts_with(kClsact)) continue;
    if (auto ifindex = base::parseInt<uint32_t>(std::string_view(name).substr(kClsact.size())))
      out.push_back(*ifindex);
  }
  return out;
}

std::vector<Place> pinnedPlaces(const std::string& folder) {
  std::vector<Place> out;
  for (const std::string& name : namesIn(folder))
    if (auto place = Place::fromPin(name)) out.push_back(*std::move(place));
  return out;
}

std::vector<std::string> namesIn(const std::string& folder) {
  std::vector<std::string> out;
  std::unique_ptr<DIR, CloseDir> dir(folder.empty() ? nullptr : opendir(folder.c_str()));
  if (dir == nullptr) return out;
  while (dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<uint32_t> layoutOf(std::string_view name) {
  if (!name.starts_with('v')) return std::nullopt;
  return base::parseInt<uint32_t>(name.substr(1));
}

std::vector<std::string> layoutsIn(const std::string& root) {
  std::vector<std::string> names = namesIn(root);
  std::erase_if(names, [](const std::string& name) { return !layoutOf(name); });
  return names;
}

}  // namespace plimsoll::netqos
