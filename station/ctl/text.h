#pragma once
// Text for a terminal: what may be printed, how wide it is, units a person reads, colour, tables
// that fit.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace station::ctl {

// Where the text goes.
struct Screen {
  int width = 80;
  int height = 24;
  bool terminal = false;  // can be redrawn in place
  bool color = false;
  // Of standard output: its size, and colour unless NO_COLOR is set or TERM is dumb.
  [[nodiscard]] static Screen OfStandardOutput();
};

enum class Color : std::uint8_t { kNone, kGood, kBad, kWarn, kBusy, kDim };

// Control characters become '?': a phone's name must not steer the terminal. Broken UTF-8 too.
[[nodiscard]] std::string Printable(std::string_view text);
// In characters (code points).
[[nodiscard]] int Width(std::string_view text);
// Cut to `width` with "..." at the end, or filled with blanks, on the left when `right` is set.
[[nodiscard]] std::string Fit(std::string_view text, int width, bool right = false);
// Lines of at most `width` characters, broken at blanks where possible.
[[nodiscard]] std::vector<std::string> Wrap(std::string_view text, int width);
[[nodiscard]] std::string Paint(const Screen& screen, Color color, std::string_view text);

[[nodiscard]] std::string BytesText(std::uint64_t bytes);                      // "1.2 GB"
[[nodiscard]] std::string BytesText(std::uint64_t done, std::uint64_t total);  // "1.2/5.6 GB"
[[nodiscard]] std::string SpeedText(double bytes_per_second);                  // "180 MB/s"
[[nodiscard]] std::string TimeText(std::chrono::seconds duration);             // "3:20", "1:02:03"
[[nodiscard]] std::string PercentText(double fraction);                        // "42%"
[[nodiscard]] std::string BarText(double fraction, int width);                 // "[####......]"
[[nodiscard]] std::string ClockText(std::int64_t unix_seconds);                // local "14:05:59"
[[nodiscard]] std::string DateText(std::int64_t unix_seconds);  // local "2026-03-01 14:05"
// snake_case names as words: "boot_restore_os" -> "boot restore os".
[[nodiscard]] std::string Words(std::string_view name);

struct Column {
  std::string title;
  bool right = false;
  int least = 0;  // may be narrowed to this many characters; 0: never
};
struct Cell {
  std::string text;
  Color color = Color::kNone;
};
struct Row {
  std::vector<Cell> cells;  // as many as columns
  std::string note;         // what to do: a last column where there is room, else lines beneath
};
// Lines with '\n'; as wide as the screen at most. Columns that are empty in every row are left out
// when they have no title.
[[nodiscard]] std::string RenderTable(const std::vector<Column>& columns,
                                      const std::vector<Row>& rows, std::string_view note_title,
                                      const Screen& screen);

}  // namespace station::ctl
