#include "pkg/nri/runtime_info.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace plimsoll::nri {
namespace {

struct ParsedVersion {
  NriVersion number;
  bool before_release = false;  // "-rc.1", "~beta1", a Go pseudo-version: not yet that release
};

bool startsWithAny(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto p) { return text.substr(0, p.size()) == p; });
}

// "v2.1.9", "1.7.24~ds1", "2.4.0-beta.0", "0.12.1-0.20260101000000-abcdef", "1.7.24-12-gabcdef.m".
std::optional<ParsedVersion> parseVersion(std::string_view text) {
  if (!text.empty() && (text.front() == 'v' || text.front() == 'V')) text.remove_prefix(1);
  std::array<uint16_t, 3> parts{};
  const char* at = text.data();
  const char* end = text.data() + text.size();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != '.')
        return i == 2 ? std::optional(ParsedVersion{{parts[0], parts[1], 0}}) : std::nullopt;
      ++at;
    }
    auto [next, ec] = std::from_chars(at, end, parts[i]);
    if (ec != std::errc{}) return std::nullopt;
    at = next;
  }
  std::string_view suffix(at, static_cast<size_t>(end - at));
  bool early = startsWithAny(
      suffix, {"-0.", "-alpha", "-beta", "-rc", "-pre", "-dev", "~alpha", "~beta", "~rc", "~pre"});
  return ParsedVersion{{parts[0], parts[1], parts[2]}, early};
}

// The release before any that could be `version`, for a build that came before it.
NriVersion justBefore(NriVersion version) {
  if (version.patch > 0)
    return {version.major_number, version.minor_number, static_cast<uint16_t>(version.patch - 1)};
  if (version.minor_number > 0)
    return {version.major_number, static_cast<uint16_t>(version.minor_number - 1), UINT16_MAX};
  return {};
}

struct Release {
  NriVersion runtime;
  NriVersion nri;
};

// Ascending; a version counts as the closest release at or below it. Source: each release's go.mod.
constexpr Release kContainerd[] = {
    {{1, 7, 0}, {0, 3, 0}},  {{1, 7, 7}, {0, 4, 0}},  {{1, 7, 14}, {0, 6, 0}},
    {{1, 7, 16}, {0, 6, 1}}, {{1, 7, 26}, {0, 8, 0}}, {{2, 2, 0}, {0, 10, 0}},
    {{2, 2, 1}, {0, 11, 0}}, {{2, 3, 0}, {0, 12, 0}}, {{2, 4, 0}, {0, 12, 1}},
};
constexpr Release kCrio[] = {
    {{1, 26, 0}, {0, 2, 0}}, {{1, 27, 0}, {0, 3, 0}}, {{1, 29, 0}, {0, 5, 0}},  {{1, 29, 2}, {0, 6, 0}},
    {{1, 31, 0}, {0, 6, 1}}, {{1, 32, 0}, {0, 9, 0}}, {{1, 34, 0}, {0, 10, 0}}, {{1, 35, 0}, {0, 11, 0}},
};
constexpr NriVersion kLowest{0, 2, 0};
constexpr NriVersion kFirstToSayItsVersion{0, 12, 0};

NriVersion levelByTable(std::span<const Release> releases, std::string_view version_text) {
  auto version = parseVersion(version_text);
  if (!version) return kLowest;
  NriVersion number = version->before_release ? justBefore(version->number) : version->number;
  NriVersion level = kLowest;
  for (const Release& release : releases) {
    if (release.runtime <= number) level = release.nri;
  }
  return level;
}

// A runtime that fills in the field at all has NRI 0.12 or later, whatever the text ("(devel)",
// "0.0.0-unknown").
NriVersion levelByText(std::string_view nri_version, NriVersion by_table) {
  auto version = parseVersion(nri_version);
  if (!version || version->number < kFirstToSayItsVersion) return std::max(by_table, kFirstToSayItsVersion);
  NriVersion number = version->before_release ? justBefore(version->number) : version->number;
  return std::max(number, kFirstToSayItsVersion);
}

RuntimeKind kindOf(std::string_view name) {
  if (name == "containerd") return RuntimeKind::Containerd;
  if (name == "cri-o") return RuntimeKind::Crio;
  return RuntimeKind::Unknown;
}

bool blocksDuringSync(const RuntimeInfo& runtime) {
  auto version = parseVersion(runtime.version);
  if (runtime.kind != RuntimeKind::Containerd || !version) return false;
  NriVersion v = version->before_release ? justBefore(version->number) : version->number;
  return v >= NriVersion{2, 0, 3} || (v >= NriVersion{1, 7, 26} && v < NriVersion{2, 0, 0});
}

}  // namespace

std::string toString(const NriVersion& v) {
  return std::to_string(v.major_number) + "." + std::to_string(v.minor_number) + "." +
         std::to_string(v.patch);
}

RuntimeInfo runtimeInfo(std::string_view name, std::string_view version, std::string_view nri_version) {
  RuntimeInfo info;
  info.name = name;
  info.version = version;
  info.nri_version_text = nri_version;
  info.kind = kindOf(name);
  info.level = kLowest;
  if (info.kind == RuntimeKind::Containerd) info.level = levelByTable(kContainerd, version);
  if (info.kind == RuntimeKind::Crio) info.level = levelByTable(kCrio, version);
  if (!nri_version.empty()) info.level = levelByText(nri_version, info.level);
  return info;
}

EventMask RuntimeInfo::validEvents() const {
  return level >= NriVersion{0, 10, 0} ? kEventsSince010 : kEventsBefore010;
}

bool RuntimeInfo::supports(Feature feature) const {
  auto since = [this](uint16_t minor, uint16_t patch = 0) { return level >= NriVersion{0, minor, patch}; };
  switch (feature) {
    case Feature::Rlimits:
      return since(4);
    // In the API since 0.7, which no runtime shipped.
    case Feature::OomScoreAdj:
    case Feature::PidsLimit:
    case Feature::CdiDevices:
    case Feature::ReportsPidsLimit:
    case Feature::SplitsSynchronize:
    case Feature::ClosesAfterFailedSync:
      return since(8);
    case Feature::DeviceRules:
    case Feature::Args:
    case Feature::Namespaces:
    case Feature::Seccomp:
    case Feature::IoPriority:
    case Feature::ReportsUnified:
    case Feature::ValidatesAdjustments:
      return since(10);
    case Feature::Sysctl:
    case Feature::Scheduler:
    case Feature::NetDevices:
    case Feature::Rdt:
      return since(11);
    case Feature::MemoryPolicy:
      return since(12);
    case Feature::UpdateContainersSafe:
      return since(12, 1);
    // containerd turns an update into CRI's message, which has none of these.
    case Feature::UpdatePidsLimit:
    case Feature::UpdateMemoryDetails:
    case Feature::UpdateDeviceRules:
      return kind == RuntimeKind::Crio && since(8);
    // containerd 2.2 takes the event bit and never sends the event.
    case Feature::UpdatesPodSandboxes:
      return since(kind == RuntimeKind::Containerd ? 12 : 10);
    case Feature::ReportsTimes:
      return since(kind == RuntimeKind::Containerd ? 12 : 10);
    case Feature::ReportsPodIps:
      if (kind == RuntimeKind::Containerd) {
        auto v = parseVersion(version);
        return v && v->number >= NriVersion{2, 1, 0};
      }
      return since(8);
    case Feature::BlocksDuringSync:
      return blocksDuringSync(*this);
  }
  return false;
}

}  // namespace plimsoll::nri
