// What reading a pod's annotations costs: a pod of others' annotations only, one with 20 of ours, one with a
// policy document, and one whose author got every key wrong.
#include <benchmark/benchmark.h>

#include <string>

#include "pkg/annotation/annotation.h"

namespace plimsoll::annotation {
namespace {

model::StringMap foreignAnnotations() {
  model::StringMap annotations;
  for (int i = 0; i < 20; ++i) {
    annotations["example" + std::to_string(i) + ".kubernetes.io/some-key"] = std::string(200, 'x');
  }
  return annotations;
}

// One annotation for each of the first 20 settings that reach the kernel.
model::StringMap ourAnnotations() {
  model::StringMap annotations;
  for (const model::SettingSpec& spec : model::settingsTable()) {
    if (spec.target == model::Target::Plimsoll || annotations.size() == 20) continue;
    annotations["app.plimsoll.dev/" + model::concreteKeys(spec).front()] = std::string(spec.example);
  }
  return annotations;
}

model::StringMap policyDocument() {
  std::string document = "class: batch\nsettings:\n";
  for (const auto& [key, value] : ourAnnotations()) {
    document += "  " + key.substr(key.find('/') + 1) + ": '" + value + "'\n";
  }
  return {{"plimsoll.dev/policy", document}};
}

model::StringMap slips() {
  model::StringMap annotations;
  for (int i = 0; i < 20; ++i) annotations["plimsoll.dev/memory.hihg" + std::to_string(i)] = "1Gi";
  return annotations;
}

void run(benchmark::State& state, const model::StringMap& annotations) {
  for (auto _ : state) benchmark::DoNotOptimize(parsePod(annotations));
}

BENCHMARK_CAPTURE(run, foreign_20, foreignAnnotations());
BENCHMARK_CAPTURE(run, ours_20, ourAnnotations());
BENCHMARK_CAPTURE(run, policy_document_20, policyDocument());
BENCHMARK_CAPTURE(run, slips_20, slips());

}  // namespace
}  // namespace plimsoll::annotation

BENCHMARK_MAIN();
