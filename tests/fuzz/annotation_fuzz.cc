// Annotation values: the first byte picks the setting, the rest is its value, as in an annotation and as the
// kernel's own text. What is read must be shown so that it reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pkg/annotation/annotation.h"
#include "pkg/annotation/strict_yaml.h"

namespace plimsoll {
namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void readBack(const model::SettingSpec& spec, std::string_view text) {
  auto value = model::parseValue(spec, text);
  if (!value) return check(!value.error().message.empty());
  auto again = model::parseValue(spec, model::formatValue(spec, *value));
  // Canonical text may be longer than what was written, and then too long.
  check(!again || *again == *value);
  const auto writes = model::kernelWrites(spec, *value);
  std::string shown;
  for (const std::string& write : writes) shown += write + "\n";
  if (spec.target == model::Target::Plimsoll) return;
  for (const auto& device : model::devicesOf(*value)) {
    if (device.kind != model::DeviceRef::Kind::Number) return;
  }
  check(model::compareWithKernel(spec, *value, shown).outcome == model::Comparison::Outcome::Equal);
}

}  // namespace
}  // namespace plimsoll

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plimsoll;
  if (size == 0) return 0;
  const auto table = model::settingsTable();
  const model::SettingSpec& spec = table[data[0] % table.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (spec.type != model::ValueType::Document) readBack(spec, text);
  auto example = model::parseValue(spec, spec.example);
  model::compareWithKernel(spec, *example, text);
  const size_t half = text.size() / 2;
  const auto intent =
      annotation::parsePod({{std::string(text.substr(0, half)), std::string(text.substr(half))},
                            {"plimsoll.dev/" + std::string(text), std::string(text)},
                            {"app.plimsoll.dev/" + std::string(spec.key), std::string(text)}});
  for (const model::Problem& problem : intent.problems) {
    check(annotation::yaml::isUtf8(problem.key) && annotation::yaml::isUtf8(problem.value) &&
          annotation::yaml::isUtf8(problem.message));
  }
  return 0;
}
