#include "station/ctl/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace station::ctl {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

TEST(TextTest, WhatAPhoneSaysCannotSteerTheTerminal) {
  EXPECT_EQ(Printable("iPhone\x1b[2J8"), "iPhone?[2J8");
  EXPECT_EQ(Printable("a\nb\tc\x7f"), "a?b?c?");
  EXPECT_EQ(Printable("Bänk ä1"), "Bänk ä1");
  EXPECT_EQ(Printable("\xc3"), "?");  // cut off in the middle of a character
  EXPECT_EQ(Printable("\xc2\x9b"
                      "2J"),
            "??2J");                          // a control character in two bytes
  EXPECT_EQ(Printable("a\u202eb"), "a???b");  // turns the direction of writing
}

TEST(TextTest, FitCutsAndFillsByCharacters) {
  EXPECT_EQ(Fit("Bänk", 6), "Bänk  ");
  EXPECT_EQ(Fit("Bänk", 6, true), "  Bänk");
  EXPECT_EQ(Fit("iPhone 12 Pro Max", 10), "iPhone ...");
  EXPECT_EQ(Fit("abcd", 2), "ab");
}

TEST(TextTest, WrapBreaksAtBlanks) {
  EXPECT_THAT(Wrap("check the cable, then retry", 12),
              ElementsAre("check the", "cable, then", "retry"));
  EXPECT_THAT(Wrap("0123456789", 4), ElementsAre("0123", "4567", "89"));
  EXPECT_THAT(Wrap("", 10), ElementsAre());
}

TEST(TextTest, UnitsAreThoseAPersonReads) {
  EXPECT_EQ(BytesText(999), "999 B");
  EXPECT_EQ(BytesText(5'610'000'000), "5.6 GB");
  EXPECT_EQ(BytesText(268'435'456), "268 MB");
  EXPECT_EQ(BytesText(0, 5'600'000'000), "0.0/5.6 GB");
  EXPECT_EQ(BytesText(12, 100), "12/100 B");
  EXPECT_EQ(SpeedText(180e6), "180 MB/s");
  EXPECT_EQ(SpeedText(0), "");
  EXPECT_EQ(TimeText(seconds(200)), "3:20");
  EXPECT_EQ(TimeText(seconds(3723)), "1:02:03");
  EXPECT_EQ(TimeText(seconds(-5)), "0:00");
  EXPECT_EQ(PercentText(0.999), "99%");
  EXPECT_EQ(PercentText(7), "100%");
}

TEST(TextTest, BarsNeverLeaveTheirBounds) {
  EXPECT_EQ(BarText(0.5, 12), "[#####.....]");
  EXPECT_EQ(BarText(-1, 6), "[....]");
  EXPECT_EQ(BarText(99, 6), "[####]");
  EXPECT_EQ(BarText(std::numeric_limits<double>::quiet_NaN(), 6), "[....]");
}

TEST(TextTest, ColorOnlyWhereWanted) {
  EXPECT_EQ(Paint(Screen{}, Color::kBad, "x"), "x");
  EXPECT_EQ(Paint(Screen{.color = true}, Color::kGood, "x"), "\x1b[32mx\x1b[0m");
}

TEST(TableTest, NarrowsTheWidestColumnThatMay) {
  const Screen screen{.width = 24};
  EXPECT_EQ(RenderTable({{"A", false, 4}, {"B"}}, {{{{"a long long name here"}, {"12345"}}, ""}},
                        "", screen),
            "A                  B\n"
            "a long long na...  12345\n");
}

TEST(TableTest, NotesStandBesideWhereThereIsRoomElseBeneath) {
  const std::vector<Column> columns = {{"A"}, {"B"}};
  const std::vector<Row> rows = {{{{"1"}, {"x"}}, "check the cable, then plug it in again"},
                                 {{{"2"}, {"y"}}, ""}};
  EXPECT_EQ(RenderTable(columns, rows, "NOTE", Screen{.width = 60}),
            "A  B  NOTE\n"
            "1  x  check the cable, then plug it in again\n"
            "2  y\n");
  EXPECT_EQ(RenderTable(columns, rows, "NOTE", Screen{.width = 30}),
            "A  B\n"
            "1  x\n"
            "    check the cable, then plug\n"
            "    it in again\n"
            "2  y\n");
}

}  // namespace
}  // namespace station::ctl
