// explain and lint: nothing but the tables and parsers that this binary shares with the agent.
#include <algorithm>
#include <ostream>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/manifests.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/views.h"
#include "pkg/api/answers.h"

namespace plimsoll::cli {
namespace {

std::string render(Output output, const JsonValue& json) {
  return output == Output::Json ? toJson(json) : toYaml(json);
}

std::string summaryLine(const pb::LintResponse& all, int errors) {
  const int warnings = all.findings_size() - errors;
  const auto count = [](int n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  return count(errors, "error") + ", " + count(warnings, "warning") + " in " +
         count(all.pods_checked(), "pod template") + "\n";
}

}  // namespace

int runExplain(const Options& options, Streams streams) {
  const bool all = options.list || options.names.empty();
  const View view{Palette(streams.colours), Clock::now(), options.output == Output::Wide,
                  !options.no_headers};
  std::vector<pb::SettingInfo> settings;
  for (const std::string& key : all ? std::vector<std::string>{""} : options.names) {
    const auto found = api::explainSettings(key);
    if (!found) return fail(streams, found.error().message);
    settings.insert(settings.end(), found->settings().begin(), found->settings().end());
  }
  if (isDocument(options.output)) {
    const bool one = !all && settings.size() == 1;
    streams.out << render(options.output, one ? document(settings.front())
                                              : document(std::span<const pb::SettingInfo>(settings)));
  } else if (all) {
    streams.out << settingTable(settings, view);
  } else {
    for (size_t i = 0; i < settings.size(); ++i) streams.out << (i == 0 ? "" : "\n") << settings[i].text();
  }
  return kExitOk;
}

int runLint(const Options& options, Streams streams) {
  const auto manifests = readManifests(options.files, streams.in);
  if (!manifests) return fail(streams, manifests.error().message);
  const View view{Palette(streams.colours), Clock::now()};
  pb::LintResponse all;
  for (const auto& [name, text] : *manifests) {
    auto found = api::lintText(text);
    if (!found) return fail(streams, name + ": " + found.error().message);
    if (!isDocument(options.output)) streams.out << lintFindings(name, *found, view);
    all.set_pods_checked(all.pods_checked() + found->pods_checked());
    all.mutable_findings()->MergeFrom(found->findings());
  }
  const int errors =
      static_cast<int>(std::count_if(all.findings().begin(), all.findings().end(),
                                     [](const auto& f) { return f.severity() != pb::SEVERITY_WARNING; }));
  if (isDocument(options.output)) {
    streams.out << render(options.output, document(all));
  } else {
    streams.err << summaryLine(all, errors);
  }
  return errors > 0 || (options.strict && all.findings_size() > 0) ? kExitFindings : kExitOk;
}

}  // namespace plimsoll::cli
