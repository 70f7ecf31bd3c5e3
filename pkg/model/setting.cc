#include "pkg/model/setting.h"

#include <algorithm>
#include <array>
#include <limits>

#include "pkg/model/sysctl_name.h"

namespace plimsoll::model {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// A text with one <placeholder>: what stands before it, its name, and what stands after.
struct Template {
  std::string_view before, name, after;
  bool has_placeholder = false;
};

Template splitTemplate(std::string_view text) {
  const size_t open = text.find('<'), close = text.find('>');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {text};
  return {text.substr(0, open), text.substr(open + 1, close - open - 1), text.substr(close + 1), true};
}

std::string fill(const Template& parts, std::string_view instance) {
  std::string text(parts.before);
  const bool capitals = !parts.name.empty() && parts.name.front() >= 'A' && parts.name.front() <= 'Z';
  for (char c : instance) text += capitals ? upper(c) : c;
  return text.append(parts.after);
}

// Names that people bring along: the kernel's where ours differ, and those of cgroup v1.
struct Alias {
  std::string_view name, key;
};
constexpr std::array<Alias, 13> kAliases = {{{"cpuset.cpus.partition", "cpuset.partition"},
                                             {"cpu.shares", "cpu.weight"},
                                             {"cpu.cfs.quota.us", "cpu.max"},
                                             {"cpu.cfs.period.us", "cpu.max"},
                                             {"cpu.cfs.burst.us", "cpu.max.burst"},
                                             {"memory.limit.in.bytes", "memory.max"},
                                             {"memory.limit", "memory.max"},
                                             {"memory.soft.limit.in.bytes", "memory.low"},
                                             {"memory.memsw.limit.in.bytes", "memory.swap.max"},
                                             {"blkio.weight", "io.weight"},
                                             {"blkio.bfq.weight", "io.weight"},
                                             {"pids.limit", "pids.max"},
                                             {"oom.score", "oom.score-adj"}}};

// Case and the choice between ".", "-" and "_" are no reason to call two keys different.
std::string normalised(std::string_view key) {
  std::string text(key);
  for (char& c : text) c = c == '_' || c == '-' ? '.' : lower(c);
  return text;
}

constexpr std::string_view kSysctlPrefix = "sysctl.";

// What stands for the placeholder in `key`; nullopt: the row's key has another form.
std::optional<std::string_view> instanceOf(const Template& parts, std::string_view key) {
  const size_t around = parts.before.size() + parts.after.size();
  if (key.size() <= around || !key.starts_with(parts.before) || !key.ends_with(parts.after))
    return std::nullopt;
  return key.substr(parts.before.size(), key.size() - around);
}

std::optional<SettingKey> matchRow(const SettingSpec& spec, std::string_view key) {
  if (spec.instances.empty()) {
    if (spec.key != key) return std::nullopt;
    return SettingKey{&spec, std::string(key), std::string(spec.file)};
  }
  const Template parts = splitTemplate(spec.key);
  const auto instance = instanceOf(parts, key);
  if (!instance) return std::nullopt;
  if (spec.free_name != nullptr) {
    auto name = spec.free_name(*instance);
    if (!name) return std::nullopt;
    return SettingKey{&spec, fill(parts, name->instance), std::move(name->file)};
  }
  if (std::find(spec.instances.begin(), spec.instances.end(), *instance) == spec.instances.end())
    return std::nullopt;
  return SettingKey{&spec, std::string(key), fill(splitTemplate(spec.file), *instance)};
}

constexpr size_t kLongestWord = 64;

// Optimal string alignment distance (insert, delete, replace, swap of neighbours); more than `limit` is
// limit + 1.
size_t distance(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit || b.size() > kLongestWord) return limit + 1;
  std::array<size_t, kLongestWord + 1> before_last{}, last{}, row{};
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    size_t best = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
      best = std::min(best, row[j]);
    }
    if (best > limit) return limit + 1;
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

// How many slips still look like a slip.
size_t tolerance(size_t length) { return length <= 3 ? 1 : length <= 8 ? 2 : 3; }

}  // namespace

std::optional<SettingKey> findSetting(std::string_view key) {
  std::string dotted;
  if (key.starts_with(kSysctlPrefix)) {
    auto name = canonicalSysctl(key.substr(kSysctlPrefix.size()));
    if (!name) return std::nullopt;
    dotted = std::string(kSysctlPrefix) + *name;
    key = dotted;
  }
  for (const SettingSpec& spec : settingsTable()) {
    if (auto found = matchRow(spec, key)) return found;
  }
  return std::nullopt;
}

ActsIn actsIn(const SettingKey& setting) {
  if (setting.spec->acts_in != ActsIn::ByTarget) return setting.spec->acts_in;
  switch (setting.spec->target) {
    case Target::CgroupFile:
      return ActsIn::Cgroup;
    case Target::OomScoreAdj:
    case Target::Rlimit:
    case Target::IoPriority:
    case Target::Scheduler:
    case Target::Seccomp:
    case Target::Namespace:
      return ActsIn::Process;
    case Target::Sysctl:
      return setting.file.starts_with("net/") ? ActsIn::NetworkNamespace : ActsIn::IpcNamespace;
    case Target::Link:
      return ActsIn::NetworkNamespace;
    case Target::Traffic:
      return ActsIn::Traffic;
    case Target::Plimsoll:
      break;
  }
  return ActsIn::Nothing;
}

bool isPodWide(const SettingKey& setting) {
  const ActsIn where = actsIn(setting);
  return where == ActsIn::NetworkNamespace || where == ActsIn::IpcNamespace || where == ActsIn::PodTraffic;
}

std::string whyNoSetting(std::string_view key) {
  if (!key.starts_with(kSysctlPrefix)) return "";
  return whyNoSysctl(key.substr(kSysctlPrefix.size()));
}

std::vector<std::string> concreteKeys(const SettingSpec& spec) {
  if (spec.instances.empty()) return {std::string(spec.key)};
  std::vector<std::string> keys;
  for (std::string_view instance : spec.instances) keys.push_back(fill(splitTemplate(spec.key), instance));
  return keys;
}

std::optional<std::string> nearestSettingKey(std::string_view key) {
  if (key.size() > kLongestWord) return std::nullopt;
  const std::string wanted = normalised(key);
  for (const Alias& alias : kAliases) {
    if (alias.name == wanted) return std::string(alias.key);
  }
  std::optional<std::string> best;
  size_t best_distance = tolerance(key.size()) + 1;
  for (const SettingSpec& spec : settingsTable()) {
    for (std::string& candidate : concreteKeys(spec)) {
      const size_t d = distance(wanted, normalised(candidate), best_distance - 1);
      if (d >= best_distance) continue;
      best_distance = d;
      best = std::move(candidate);
    }
    if (best_distance == 0) break;
  }
  return best;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string_view> best;
  size_t best_distance = tolerance(word.size()) + 1;
  for (std::string_view candidate : candidates) {
    const size_t d = distance(word, candidate, best_distance - 1);
    if (d >= best_distance) continue;
    best_distance = d;
    best = candidate;
    if (d == 0) break;
  }
  return best;
}

}  // namespace plimsoll::model
