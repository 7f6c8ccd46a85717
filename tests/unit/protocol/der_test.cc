#include "station/image4/der.h"

#include <gtest/gtest.h>

namespace station::image4 {
namespace {

struct BadDer {
  const char* name;
  std::vector<std::uint8_t> bytes;
};

void PrintTo(const BadDer& row, std::ostream* out) { *out << row.name; }

class RefusedDer : public testing::TestWithParam<BadDer> {};

TEST_P(RefusedDer, IsAnErrorNotAnElement) { EXPECT_FALSE(DerReader(GetParam().bytes).Next()); }

INSTANTIATE_TEST_SUITE_P(Der, RefusedDer,
                         testing::Values(BadDer{"empty", {}}, BadDer{"tag_only", {0x30}},
                                         BadDer{"longer_than_its_holder", {0x30, 0x05, 0x01}},
                                         BadDer{"indefinite_length", {0x30, 0x80, 0x00, 0x00}},
                                         BadDer{"length_with_leading_zero", {0x04, 0x82, 0x00, 0x01, 0xAA}},
                                         BadDer{"length_not_shortest", {0x04, 0x81, 0x01, 0xAA}},
                                         BadDer{"length_of_five_bytes", {0x04, 0x85, 1, 0, 0, 0, 0}},
                                         BadDer{"tag_number_with_leading_zero", {0xFF, 0x80, 0x01, 0x00}},
                                         BadDer{"tag_number_that_fits_the_short_form", {0xFF, 0x01, 0x00}},
                                         BadDer{"tag_number_without_end", {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}}),
                         [](const auto& row) { return row.param.name; });

TEST(Der, PrivateTagNamesItsFourCc) {
  // The example of restore-protocol 4.1: EKEY = true.
  const std::vector<std::uint8_t> ekey = {0xFF, 0x84, 0xAA, 0xAD, 0x8A, 0x59, 0x0B, 0x30, 0x09,
                                          0x16, 0x04, 'E',  'K',  'E',  'Y',  0x01, 0x01, 0xFF};
  const auto element = DerReader(ekey).Next();
  ASSERT_TRUE(element);
  EXPECT_EQ(element->number, FourCc("EKEY"));
  EXPECT_EQ(FourCcText(element->number), "EKEY");
  EXPECT_TRUE(element->constructed);
}

TEST(Der, HeaderUsesTheShortestLength) {
  EXPECT_EQ(DerHeader(0x30, 0x7F), (std::vector<std::uint8_t>{0x30, 0x7F}));
  EXPECT_EQ(DerHeader(0x30, 0x80), (std::vector<std::uint8_t>{0x30, 0x81, 0x80}));
  EXPECT_EQ(DerHeader(0x30, 0x1234), (std::vector<std::uint8_t>{0x30, 0x82, 0x12, 0x34}));
}

}  // namespace
}  // namespace station::image4
