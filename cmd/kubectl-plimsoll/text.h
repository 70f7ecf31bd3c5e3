// Text for a terminal: escaping of what pods wrote, kubectl's short ages, colours. Pure, any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace plimsoll::cli {

// Safe to print: control characters (C0, DEL, C1), line separators and bidirectional overrides as \xNN or
// \u{NNNN}, invalid UTF-8 as \xNN. A pod's annotation must not be able to steer the terminal of whoever reads
// it.
std::string printable(std::string_view text);

// Columns that printed text takes: characters, not bytes (wide East Asian ones are counted as one).
size_t displayWidth(std::string_view text);

// kubectl's short form: 45s, 3m12s, 27m, 5h12m, 26h, 3d4h, 12d, 2y45d. Negative: "0s".
std::string shortAge(std::chrono::seconds age);

// Short form without quotes where none are needed, else in double quotes.
std::string quoted(std::string_view text);

enum class Tone { Plain, Good, Warn, Bad, Faint, Strong };

class Palette {
 public:
  explicit Palette(bool colours) : colours_(colours) {}
  // The text must be printable already.
  std::string paint(Tone tone, const std::string& text) const;
  bool colours() const { return colours_; }

 private:
  bool colours_;
};

enum class ColourMode { Auto, Always, Never };
// https://no-color.org: any non-empty NO_COLOR switches colours off, unless asked for by `Always`.
bool useColours(ColourMode mode, bool is_tty, const char* no_color, const char* term);

}  // namespace plimsoll::cli
