#include "pkg/config/built_in.h"

#include <cassert>

namespace plimsoll::config {
namespace {

struct BuiltInSetting {
  std::string_view key, value;
};

model::ClassDef makeClass(std::string_view name, std::string_view description,
                          std::initializer_list<BuiltInSetting> settings) {
  model::ClassDef definition{std::string(name), std::string(description), {}};
  for (const BuiltInSetting& setting : settings) {
    auto key = model::findSetting(setting.key);
    assert(key);
    auto value = model::parseValue(*key->spec, setting.value);
    assert(value);
    definition.settings.push_back({*std::move(key),
                                   std::string(setting.value),
                                   *std::move(value),
                                   {model::SourceKind::Class, definition.name}});
  }
  return definition;
}

}  // namespace

std::map<std::string, model::ClassDef, std::less<>> builtInClasses() {
  std::map<std::string, model::ClassDef, std::less<>> classes;
  // Not here: an oom.score-adj. The kubelet gives a Guaranteed pod -997, and any fixed number would be worse
  // for some pod of the class. Nor memory.low: how much depends on the pod.
  classes["latency-critical"] = makeClass(
      "latency-critical", "Answers somebody who waits: first at CPU, disk and network, never swapped out",
      {{"cpu.weight", "400"}, {"memory.swap.max", "0"}, {"io.weight", "400"}, {"net.priority", "high"}});
  classes["standard"] =
      makeClass("standard", "What the kubelet gives, unchanged; a name for \"nothing special\"", {});
  // cpu.idle and not a low cpu.weight: the kernel takes only one of the two, and an idle group is preempted
  // at once by any other.
  classes["batch"] = makeClass(
      "batch", "Has time: runs on idle CPU, last at disk and network, first to go when memory runs out",
      {{"cpu.idle", "true"}, {"oom.score-adj", "1000"}, {"io.weight", "10"}, {"net.priority", "besteffort"}});
  return classes;
}

}  // namespace plimsoll::config
