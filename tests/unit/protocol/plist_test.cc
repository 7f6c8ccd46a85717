#include "station/plist/plist.h"

#include <gtest/gtest.h>

namespace station::plist {
namespace {

TEST(Plist, AbsentAndMistypedReadsAnswerNothing) {
  const auto list = Plist::Parse(std::string_view("<plist><dict><key>n</key><integer>5</integer><key>h</key><string>0x8015</string></dict></plist>"));
  ASSERT_TRUE(list);
  EXPECT_EQ((*list)["n"].Integer(), 5U);
  EXPECT_EQ((*list)["n"].String(), std::nullopt);
  EXPECT_EQ((*list)["h"].Number(), 0x8015U);
  EXPECT_EQ((*list)["absent"]["deeper"].Data(), std::nullopt);
  EXPECT_EQ((*list)["n"].Size(), 0U);
}

TEST(Plist, BinaryAndXmlRoundTrip) {
  Plist list = Plist::Dict();
  list.Set("data", Plist::Data(std::vector<std::uint8_t>{1, 2, 3})).Set("flag", Plist::Bool(true));
  const std::string binary = list.ToBinary();
  const auto again = Plist::Parse(std::string_view(binary));
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["data"].Data()->size(), 3U);
  EXPECT_EQ(Plist::Parse(std::string_view(list.ToXml()))->ToBinary(), binary);
}

TEST(Plist, RefusesRubbishDepthAndSize) {
  EXPECT_FALSE(Plist::Parse(std::string_view("")));
  EXPECT_FALSE(Plist::Parse(std::string_view("bplist00rubbishrubbishrubbishrubbish")));
  std::string deep = "<plist>";
  for (int i = 0; i < 100000; ++i) deep += "<array>";
  EXPECT_FALSE(Plist::Parse(std::string_view(deep)));
  EXPECT_FALSE(Plist::Parse(std::span<const std::uint8_t>(std::vector<std::uint8_t>(100, ' ')), 10));
}

}  // namespace
}  // namespace station::plist
