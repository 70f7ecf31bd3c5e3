// Tables in kubectl's look: upper-case headers, three spaces between columns, nothing after the last one.
#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/text.h"

namespace plimsoll::cli {

struct Cell {
  Cell(std::string t) : text(std::move(t)) {}  // NOLINT: a cell is text, most of the time
  Cell(const char* t) : text(t) {}             // NOLINT
  Cell(std::string t, Tone tone_) : text(std::move(t)), tone(tone_) {}
  std::string text;  // made printable by the table; empty is shown as <none>
  Tone tone = Tone::Plain;
};

class Table {
 public:
  explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}

  // As many cells as headers.
  void add(std::vector<Cell> cells) { rows_.push_back({std::move(cells), {}}); }
  // A line of its own below the last row, indented by four.
  void note(std::string line) { rows_.back().notes.push_back(std::move(line)); }
  bool empty() const { return rows_.empty(); }

  // Every line starts with `indent` and ends with a newline.
  std::string render(const Palette& palette, bool with_headers = true, const std::string& indent = "") const;

 private:
  struct Row {
    std::vector<Cell> cells;
    std::vector<std::string> notes;
  };
  std::vector<std::string> headers_;
  std::vector<Row> rows_;
};

}  // namespace plimsoll::cli
