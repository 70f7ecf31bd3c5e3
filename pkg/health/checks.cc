#include "pkg/health/checks.h"

namespace plimsoll::health {
namespace {

// A reason may quote what somebody else wrote; a line of the answer stays one line.
std::string oneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string lineOf(const std::string& name, const Finding& finding) {
  switch (finding.level) {
    case Level::Ok:
      return "[+]" + name + " ok\n";
    case Level::Warn:
      return "[+]" + name + " ok, but: " + oneLine(finding.reason) + "\n";
    case Level::Fail:
      break;
  }
  return "[-]" + name + " failed: " + oneLine(finding.reason) + "\n";
}

}  // namespace

Report Checks::run(Of of) const {
  Report report;
  for (const Check& check : checks_) {
    if (check.of != of) continue;
    Finding finding = check.run();
    report.good = report.good && finding.level != Level::Fail;
    report.findings.emplace_back(check.name, std::move(finding));
  }
  return report;
}

std::vector<std::string> Checks::names(Of of) const {
  std::vector<std::string> names;
  for (const Check& check : checks_) {
    if (check.of == of) names.push_back(check.name);
  }
  return names;
}

std::string Report::text(const std::string& what) const {
  std::string text;
  for (const auto& [name, finding] : findings) text += lineOf(name, finding);
  return text + what + (good ? " check passed\n" : " check failed\n");
}

}  // namespace plimsoll::health
