#include "scheduler/port_table_text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace station::scheduler {
namespace {

constexpr std::string_view kBegin = "<!-- port table: begin -->\n";
constexpr std::string_view kEnd = "<!-- port table: end -->";

std::string Readme() {
  std::ifstream stream(STATION_SOURCE_DIR "/scheduler/README.md");
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(PortTableText, TheReadmeShowsTheTableThatIsCarriedOut) {
  const std::string readme = Readme();
  const std::size_t begin = readme.find(kBegin);
  const std::size_t end = readme.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::string shown = readme.substr(begin + kBegin.size(), end - begin - kBegin.size());
  const std::string expected =
      AsMarkdown(PortMachine::StandardTable(), PortMachine::StandardDeadlines());
  EXPECT_EQ(shown, expected) << "put this between the two markers of scheduler/README.md:\n"
                             << expected;
}

TEST(PortTableText, ARowThatIsNotThere_IsMissed) {
  const auto table = PortMachine::StandardTable();
  const auto deadlines = PortMachine::StandardDeadlines();
  EXPECT_NE(AsMarkdown(table.first(table.size() - 1), deadlines), AsMarkdown(table, deadlines));
  EXPECT_NE(AsMarkdown(table, deadlines.first(3)), AsMarkdown(table, deadlines));
}

}  // namespace
}  // namespace station::scheduler
