// explain and lint: nothing but the tables and parsers that this binary shares with the agent.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>
#include <ostream>
#include <system_error>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/views.h"
#include "pkg/api/answers.h"

namespace plimsoll::cli {
namespace {

namespace fs = std::filesystem;
using base::Result;

constexpr size_t kMaxManifestBytes = 8 << 20;

std::string render(Output output, const JsonValue& json) {
  return output == Output::Json ? toJson(json) : toYaml(json);
}

bool isManifest(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

// A directory stands for the manifests below it, in the order of their names.
Result<std::vector<std::string>> expand(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    std::error_code error;
    if (name == "-" || !fs::is_directory(name, error)) {
      files.push_back(name);
      continue;
    }
    const size_t before = files.size();
    fs::recursive_directory_iterator walk(name, error), end;
    for (; !error && walk != end; walk.increment(error)) {
      std::error_code ignored;
      if (isManifest(walk->path()) && walk->is_regular_file(ignored)) files.push_back(walk->path().string());
    }
    if (error) return base::invalidArgument("read directory " + name + ": " + error.message());
    if (files.size() == before) return base::invalidArgument("no .yaml, .yml or .json file in " + name);
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  }
  return files;
}

Result<std::string> readAll(std::istream& stream, const std::string& name) {
  std::string text(kMaxManifestBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad()) return base::invalidArgument("cannot read " + name);
  if (text.size() > kMaxManifestBytes) return base::invalidArgument(name + " is larger than 8 MiB");
  return text;
}

Result<std::string> readManifest(const std::string& name, std::istream& in) {
  if (name == "-") return readAll(in, "standard input");
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    return base::errnoError(errno, "open " + name);
  }
  return readAll(file, name);
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
  const auto files = expand(options.files);
  if (!files) return fail(streams, files.error().message);
  const View view{Palette(streams.colours), Clock::now()};
  pb::LintResponse all;
  for (const std::string& name : *files) {
    const auto text = readManifest(name, streams.in);
    if (!text) return fail(streams, text.error().message);
    auto found = api::lintText(*text);
    if (!found) return fail(streams, name + ": " + found.error().message);
    if (!isDocument(options.output))
      streams.out << lintFindings(name == "-" ? "<stdin>" : name, *found, view);
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
