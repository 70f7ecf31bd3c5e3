#include "cmd/kubectl-plimsoll/table.h"

#include <algorithm>

namespace plimsoll::cli {
namespace {

constexpr size_t kGap = 3;

std::string shown(const Cell& cell) { return cell.text.empty() ? "<none>" : printable(cell.text); }

}  // namespace

std::string Table::render(const Palette& palette, bool with_headers, const std::string& indent) const {
  std::vector<size_t> widths(headers_.size(), 0);
  if (with_headers) {
    std::transform(headers_.begin(), headers_.end(), widths.begin(),
                   [](const auto& h) { return displayWidth(h); });
  }
  for (const Row& row : rows_) {
    for (size_t i = 0; i < row.cells.size(); ++i)
      widths[i] = std::max(widths[i], displayWidth(shown(row.cells[i])));
  }
  const auto padding = [&](size_t column, size_t width) {
    return column + 1 == headers_.size() ? "" : std::string(widths[column] + kGap - width, ' ');
  };

  std::string out;
  if (with_headers) {
    out += indent;
    for (size_t i = 0; i < headers_.size(); ++i) {
      out += palette.paint(Tone::Strong, headers_[i]) + padding(i, displayWidth(headers_[i]));
    }
    out += "\n";
  }
  for (const Row& row : rows_) {
    out += indent;
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const std::string text = shown(row.cells[i]);
      out += palette.paint(row.cells[i].tone, text) + padding(i, displayWidth(text));
    }
    out += "\n";
    for (const std::string& line : row.notes)
      out += indent + "    " + palette.paint(Tone::Faint, line) + "\n";
  }
  return out;
}

}  // namespace plimsoll::cli
