#include "cmd/kubectl-plimsoll/view_diff.h"

namespace plimsoll::cli {
namespace {

bool differs(const pb::Setting& setting) { return setting.state() != pb::SETTING_STATE_APPLIED; }

std::string desiredOf(const pb::Setting& setting) {
  return setting.desired().empty() ? setting.raw() : setting.desired();
}

std::string actualOf(const pb::Setting& setting) {
  if (setting.has_actual()) return setting.actual();
  // Nothing was written, so that what was there is there still.
  if (setting.has_found()) return setting.found();
  return "<unknown>";
}

// Why, after the actual value: "Drifted: somebody else wrote 200".
std::string whyOf(const pb::Setting& setting) {
  std::string why = word(setting.state());
  if (!setting.reason().empty()) why += ": " + setting.reason();
  if (!setting.binding().empty()) why += ": " + setting.binding();
  return why;
}

std::string line(const View& view, char sign, const pb::Setting& setting, const std::string& value,
                 const std::string& comment) {
  std::string text = sign + printable(setting.key() + ": " + value);
  if (!comment.empty()) text += "  # " + printable(comment);
  return view.palette.paint(sign == '-' ? Tone::Bad : Tone::Good, text) + "\n";
}

std::string nameOf(const pb::Container& container) {
  return printable(container.pod().namespace_() + "/" + container.pod().name() + "/" + container.name());
}

}  // namespace

std::string diffText(std::span<const pb::Container> containers, const View& view) {
  std::string out;
  for (const pb::Container& container : containers) {
    std::string lines;
    for (const pb::Setting& setting : container.settings()) {
      if (!differs(setting)) continue;
      lines += line(view, '-', setting, desiredOf(setting), sourceForPeople(setting.source()));
      lines += line(view, '+', setting, actualOf(setting), whyOf(setting));
    }
    if (lines.empty()) continue;
    out += "--- " + nameOf(container) + " desired\n+++ " + nameOf(container) + " actual\n" + lines;
  }
  return out;
}

}  // namespace plimsoll::cli
