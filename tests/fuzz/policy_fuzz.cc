// Policy documents, and the same bytes as a manifest for lint.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pkg/annotation/annotation.h"
#include "pkg/annotation/lint.h"
#include "pkg/annotation/strict_yaml.h"

namespace {

void checkText(const std::string& text) {
  if (!plimsoll::annotation::yaml::isUtf8(text)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plimsoll;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto intent =
      annotation::parsePod({{"plimsoll.dev/policy", text}, {"app.plimsoll.dev/policy", text}});
  if (intent.problems.size() > annotation::kMostProblems + 1) std::abort();
  for (const model::Problem& problem : intent.problems) {
    checkText(problem.key);
    checkText(problem.value);
    checkText(problem.message);
    checkText(problem.source.where);
  }
  for (const model::Request* request : annotation::mergedRequests(intent, "app")) checkText(request->raw);
  for (const annotation::Finding& finding : annotation::lintManifest(text).findings) {
    checkText(finding.problem.message);
    checkText(finding.name);
  }
  return 0;
}
