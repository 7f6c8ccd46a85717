// RenderTable: columns as wide as their content, narrowed where they may be, notes beside or
// beneath.

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "station/ctl/text.h"

namespace station::ctl {
namespace {

constexpr int kGap = 2;
constexpr int kLeastNote = 36;  // a narrower note column would be all line breaks
constexpr int kNoteIndent = 4;

std::vector<int> NaturalWidths(const std::vector<Column>& columns, const std::vector<Row>& rows) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    int width = Width(columns[i].title);
    for (const Row& row : rows) width = std::max(width, Width(row.cells[i].text));
    widths.push_back(width);
  }
  return widths;
}

int Total(const std::vector<int>& widths) {
  int total = -kGap;
  for (const int width : widths)
    if (width > 0) total += width + kGap;
  return std::max(0, total);
}

// Takes from the widest column that may still give until the line fits.
void Narrow(const std::vector<Column>& columns, std::vector<int>& widths, int room) {
  while (Total(widths) > room) {
    std::size_t widest = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].least == 0 || widths[i] <= columns[i].least) continue;
      if (widest == columns.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns.size()) return;
    --widths[widest];
  }
}

std::string TrimRight(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

struct Layout {
  const std::vector<Column>& columns;
  std::vector<int> widths;
  int note_width = 0;  // 0: notes stand beneath
};

std::string CellsLine(const Layout& layout, const std::vector<Cell>& cells, const Screen& screen,
                      std::string_view note) {
  std::string line;
  std::string blanks;  // only written when something follows
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (layout.widths[i] == 0) continue;
    const std::string fitted = Fit(cells[i].text, layout.widths[i], layout.columns[i].right);
    const std::string text = TrimRight(fitted);
    if (!text.empty()) line += blanks + Paint(screen, cells[i].color, text);
    if (!text.empty()) blanks.clear();
    blanks += std::string(fitted.size() - text.size() + kGap, ' ');
  }
  if (!note.empty()) line += blanks + std::string(note);
  return line + "\n";
}

std::string RowLines(const Layout& layout, const Row& row, const Screen& screen) {
  if (row.note.empty()) return CellsLine(layout, row.cells, screen, "");
  if (layout.note_width == 0) {
    std::string text = CellsLine(layout, row.cells, screen, "");
    for (const std::string& line : Wrap(row.note, screen.width - kNoteIndent))
      text += std::string(kNoteIndent, ' ') + Paint(screen, Color::kWarn, line) + "\n";
    return text;
  }
  const std::vector<std::string> note = Wrap(row.note, layout.note_width);
  std::string text =
      CellsLine(layout, row.cells, screen, Paint(screen, Color::kWarn, note.front()));
  const auto indent = static_cast<std::size_t>(Total(layout.widths) + kGap);
  for (std::size_t i = 1; i < note.size(); ++i)
    text += std::string(indent, ' ') + Paint(screen, Color::kWarn, note[i]) + "\n";
  return text;
}

}  // namespace

std::string RenderTable(const std::vector<Column>& columns, const std::vector<Row>& rows,
                        std::string_view note_title, const Screen& screen) {
  Layout layout{columns, NaturalWidths(columns, rows), 0};
  const int left = screen.width - Total(layout.widths) - kGap;
  const bool notes = std::ranges::any_of(rows, [](const Row& row) { return !row.note.empty(); });
  if (notes && left >= kLeastNote) layout.note_width = left;
  Narrow(columns, layout.widths, screen.width);

  std::vector<Cell> titles;
  for (const Column& column : columns) titles.push_back({column.title, Color::kDim});
  std::string text = CellsLine(
      layout, titles, screen, layout.note_width == 0 ? "" : Paint(screen, Color::kDim, note_title));
  for (const Row& row : rows) text += RowLines(layout, row, screen);
  return text;
}

}  // namespace station::ctl
