// Property lists written while their data is read.

#include "station/restore/streamed_list.h"

#include <gtest/gtest.h>

#include "firmware_world.h"

namespace station::restore {
namespace {

using testing::All;
using testing::Bytes;

Bytes Content(std::size_t size) {
  Bytes content(size);
  for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return content;
}

// Passes `bytes` on in pieces of `piece`.
ByteSource InPieces(const Bytes& bytes, std::size_t piece) {
  return {bytes.size(), [&bytes, piece](const ByteSink& sink) -> Status {
            for (std::size_t at = 0; at < bytes.size(); at += piece)
              STATION_CHECK(sink(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at))));
            return {};
          }};
}

plist::Plist Read(StreamedList& list) {
  const Bytes message = All(list.Message());  // checks the announced size
  return testing::ParseXml({reinterpret_cast<const char*>(message.data()), message.size()});
}

class DataSizes : public ::testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};
TEST_P(DataSizes, ArriveAsTheyAre) {
  const auto [size, piece] = GetParam();
  const Bytes content = Content(size);
  StreamedList list;
  list.Key("Image").Data(InPieces(content, piece));
  const auto read = Read(list);
  const auto data = read["Image"].Data();
  ASSERT_TRUE(data);
  EXPECT_TRUE(std::ranges::equal(*data, content));
}
INSTANTIATE_TEST_SUITE_P(SizeAndPiece, DataSizes,
                         ::testing::Values(std::pair(1, 1), std::pair(2, 1), std::pair(3, 1),
                                           std::pair(4, 3), std::pair(49151, 1000),
                                           std::pair(49152, 49152), std::pair(49153, 49152),
                                           std::pair(1'000'000, 65536)));

TEST(StreamedList, NestedLikeTheAnswersOfARestore) {
  const Bytes one = Content(100);
  const Bytes two = Content(50'000);
  StreamedList list;
  list.Key("ImageName").Text("a<b>&c").Key("List").BeginArray();
  list.Data(SourceOf(one)).Data(SourceOf(two)).EndArray();
  list.Key("By&Name").BeginDict().Key("x").Data(SourceOf(two)).EndDict();
  const auto read = Read(list);
  EXPECT_EQ(read.Get().Size(), 3U);
  EXPECT_EQ(read["ImageName"].String(), "a<b>&c");
  ASSERT_EQ(read["List"].Size(), 2U);
  EXPECT_TRUE(std::ranges::equal(read["List"].At(0).Data().value(), one));
  EXPECT_TRUE(std::ranges::equal(read["List"].At(1).Data().value(), two));
  EXPECT_TRUE(std::ranges::equal(read["By&Name"]["x"].Data().value(), two));
}

TEST(StreamedList, SourceThatFallsShortOfItsWordIsAnError) {
  StreamedList list;
  const Bytes bytes = Content(10);
  list.Key("Image").Data({11, SourceOf(bytes).pass});
  const auto passed =
      list.Message().pass([](std::span<const std::uint8_t>) -> Status { return {}; });
  EXPECT_FALSE(passed);
}

}  // namespace
}  // namespace station::restore
