#include "station/ctl/text.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>

namespace station::ctl {
namespace {

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

// Length in bytes of the sound, printable UTF-8 sequence at the start of `text`; 0 when there is
// none.
std::size_t SequenceLength(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc3 ? 2 : 0;
  if (first > 0xf4 || length == 0 || text.size() < length) return 0;  // 0xc2: further controls
  for (std::size_t i = 1; i < length; ++i)
    if (!Continues(text[i])) return 0;
  // Marks that turn the direction of writing would let a name rearrange the line around it.
  if (text.starts_with("\u202a") || text.starts_with("\u202b") || text.starts_with("\u202d") ||
      text.starts_with("\u202e") || text.starts_with("\u2066") || text.starts_with("\u2067"))
    return 0;
  return length;
}

// The first `count` characters.
std::string_view Head(std::string_view text, int count) {
  std::size_t end = 0;
  for (int seen = 0; end < text.size(); ++end)
    if (!Continues(text[end]) && seen++ == count) break;
  return text.substr(0, end);
}

struct Unit {
  double size;
  std::string_view name;
};
constexpr std::array kUnits = {Unit{1e12, "TB"}, Unit{1e9, "GB"}, Unit{1e6, "MB"}, Unit{1e3, "kB"}};

const Unit* UnitOf(double value) {
  for (const Unit& unit : kUnits)
    if (value >= unit.size) return &unit;
  return nullptr;
}

std::string Amount(double value) {
  return value < 9.95 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

}  // namespace

Screen Screen::OfStandardOutput() {
  Screen screen;
  screen.terminal = isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (screen.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    screen.width = size.ws_col;
    screen.height = size.ws_row > 0 ? size.ws_row : 24;
  } else if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    const int width = std::atoi(columns);
    if (width >= 20 && width <= 1000) screen.width = width;
  }
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  screen.color = screen.terminal && (no_color == nullptr || *no_color == '\0') && !dumb;
  screen.terminal = screen.terminal && !dumb;
  return screen;
}

std::string Printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) {
      clean += '?';
      text.remove_prefix(1);
    } else {
      clean += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return clean;
}

int Width(std::string_view text) {
  return static_cast<int>(std::ranges::count_if(text, [](char c) { return !Continues(c); }));
}

std::string Fit(std::string_view text, int width, bool right) {
  const int have = Width(text);
  if (have > width) {
    if (width <= 3) return std::string(Head(text, width));
    return std::string(Head(text, width - 3)) + "...";
  }
  const std::string blanks(static_cast<std::size_t>(width - have), ' ');
  return right ? blanks + std::string(text) : std::string(text) + blanks;
}

std::vector<std::string> Wrap(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    if (word.empty()) continue;
    if (!line.empty() && Width(line) + 1 + Width(word) > width)
      lines.push_back(std::exchange(line, ""));
    while (Width(word) > width) {
      const std::string_view head = Head(word, width);
      lines.emplace_back(head);
      word.remove_prefix(head.size());
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string Paint(const Screen& screen, Color color, std::string_view text) {
  if (!screen.color || color == Color::kNone) return std::string(text);
  const auto code = [color] {
    switch (color) {
      case Color::kNone:
        return "0";
      case Color::kGood:
        return "32";
      case Color::kBad:
        return "1;31";
      case Color::kWarn:
        return "33";
      case Color::kBusy:
        return "36";
      case Color::kDim:
        return "2";
    }
    return "0";
  }();
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string BytesText(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  const Unit* unit = UnitOf(value);
  if (unit == nullptr) return fmt::format("{} B", bytes);
  return fmt::format("{} {}", Amount(value / unit->size), unit->name);
}

std::string BytesText(std::uint64_t done, std::uint64_t total) {
  const Unit* unit = UnitOf(static_cast<double>(total));
  if (unit == nullptr) return fmt::format("{}/{} B", done, total);
  return fmt::format("{}/{} {}", Amount(static_cast<double>(done) / unit->size),
                     Amount(static_cast<double>(total) / unit->size), unit->name);
}

std::string SpeedText(double bytes_per_second) {
  if (!(bytes_per_second >= 1.0)) return "";
  return BytesText(static_cast<std::uint64_t>(std::min(bytes_per_second, 1e15))) + "/s";
}

std::string TimeText(std::chrono::seconds duration) {
  const auto all = std::max<std::int64_t>(0, duration.count());
  if (all >= 3600) return fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
  return fmt::format("{}:{:02}", all / 60, all % 60);
}

std::string PercentText(double fraction) {
  if (!(fraction >= 0)) fraction = 0;
  return fmt::format("{}%", static_cast<int>(std::min(fraction, 1.0) * 100));
}

std::string BarText(double fraction, int width) {
  if (!(fraction >= 0)) fraction = 0;
  const auto cells = static_cast<std::size_t>(std::max(1, width - 2));
  const auto full = static_cast<std::size_t>(std::min(fraction, 1.0) * static_cast<double>(cells));
  return "[" + std::string(full, '#') + std::string(cells - full, '.') + "]";
}

namespace {
std::string LocalTime(std::int64_t unix_seconds, const char* format) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm local{};
  std::array<char, 64> buffer{};
  if (localtime_r(&time, &local) == nullptr) return "?";
  const std::size_t length = std::strftime(buffer.data(), buffer.size(), format, &local);
  return {buffer.data(), length};
}
}  // namespace

std::string ClockText(std::int64_t unix_seconds) { return LocalTime(unix_seconds, "%H:%M:%S"); }
std::string DateText(std::int64_t unix_seconds) {
  return LocalTime(unix_seconds, "%Y-%m-%d %H:%M");
}

std::string Words(std::string_view name) {
  std::string words(name);
  std::ranges::replace(words, '_', ' ');
  return words;
}

}  // namespace station::ctl
