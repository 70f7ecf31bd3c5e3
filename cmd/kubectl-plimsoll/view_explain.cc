// `explain` and `lint`.
#include "cmd/kubectl-plimsoll/table.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {
namespace {

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

std::string settingTable(std::span<const pb::SettingInfo> settings, const View& view) {
  std::vector<std::string> headers = {"SETTING", "VALUES", "SINCE", "LIVE", "HELP"};
  if (view.wide) headers.insert(headers.end() - 1, {"FILE", "PERMISSION"});
  Table table(headers);
  for (const pb::SettingInfo& setting : settings) {
    std::vector<Cell> cells = {setting.key(),
                               setting.words_size() > 0 ? joined(setting.words())
                               : setting.unit().empty() ? setting.type()
                                                        : setting.unit(),
                               setting.since_kernel(), setting.live() ? "yes" : "no"};
    if (view.wide) cells.insert(cells.end(), {setting.file(), setting.permission()});
    cells.emplace_back(setting.help());
    table.add(std::move(cells));
  }
  return table.render(view.palette, view.headers);
}

std::string lintFindings(const std::string& file, const pb::LintResponse& lint, const View& view) {
  std::string out;
  for (const pb::Finding& finding : lint.findings()) {
    const bool warning = finding.severity() == pb::SEVERITY_WARNING;
    const pb::Problem& problem = finding.problem();
    out += printable(file) + (finding.line() > 0 ? ":" + std::to_string(finding.line()) : "") + ": ";
    out += view.palette.paint(warning ? Tone::Warn : Tone::Bad, word(finding.severity())) + ": ";
    if (!finding.object().empty()) out += printable(finding.object()) + ": ";
    if (!problem.key().empty()) out += printable(problem.key()) + ": ";
    out += printable(problem.message());
    const bool named = problem.message().find(problem.suggestion()) != std::string::npos;
    if (!named) out += "; did you mean " + printable(problem.suggestion()) + "?";
    out += "\n";
  }
  return out;
}

}  // namespace plimsoll::cli
