#include "tests/rack/image4/der.h"

#include <gtest/gtest.h>

#include "station/base/ids.h"
#include "tests/rack/image4/payload.h"
#include "tests/rack/image4/ticket.h"

namespace rack {
namespace {

Bytes Hex(std::string_view text) { return *station::ParseHex(text); }

struct BadDer {
  const char* name;
  const char* hex;
};
void PrintTo(const BadDer& row, std::ostream* out) { *out << row.name; }

class DerReader : public testing::TestWithParam<BadDer> {};

TEST_P(DerReader, RefusesWhatIsNotDer) {
  const Bytes bytes = Hex(GetParam().hex);
  der::Reader reader(bytes);
  EXPECT_FALSE(reader.Next().has_value());
  EXPECT_TRUE(reader.AtEnd());  // and reads nothing more
}

INSTANTIATE_TEST_SUITE_P(Table, DerReader,
                         testing::Values(BadDer{"IndefiniteLength", "30800000"},
                                         BadDer{"LengthBeyondEnd", "300501"},
                                         BadDer{"LongFormForShort", "30810100"},
                                         BadDer{"LongFormWithLeadingZero", "3082008100"},
                                         BadDer{"FiveLengthBytes", "30850000000001ff"},
                                         BadDer{"NoLength", "30"},
                                         BadDer{"HighTagOfAnotherClass", "1F8101000100"},
                                         BadDer{"HighTagWithLeadingZeroDigit", "FF80840100"},
                                         BadDer{"HighTagCutShort", "FF84"},
                                         BadDer{"HighTagOfSixDigits", "FFFFFFFFFFFF7F00"}),
                         [](const auto& row) { return row.param.name; });

TEST(Der, NumbersMustBeMinimalAndNonNegative) {
  const auto number = [](const char* hex) {
    const Bytes bytes = Hex(hex);
    der::Reader reader(bytes);
    return reader.NextNumber();
  };
  EXPECT_EQ(number("0203008015"), 0x8015U);
  EXPECT_EQ(number("020100"), 0U);
  EXPECT_EQ(number("020900FFFFFFFFFFFFFFFF"), ~0ULL);
  EXPECT_FALSE(number("02020001"));  // padded
  EXPECT_FALSE(number("0200"));
  EXPECT_FALSE(number("0201FF"));  // negative
  EXPECT_FALSE(number("020901FFFFFFFFFFFFFFFF"));
}

TEST(Der, BooleansAreZeroOrFf) {
  const auto flag = [](const char* hex) {
    const Bytes bytes = Hex(hex);
    return der::FlagOf(*der::Reader(bytes).Next());
  };
  EXPECT_EQ(flag("0101FF"), true);
  EXPECT_EQ(flag("010100"), false);
  EXPECT_FALSE(flag("010101").has_value());
}

// Known encodings of real tickets.
TEST(Der, WritesKeyedElementsAsRealTicketsHoldThem) {
  EXPECT_EQ(der::Keyed("EKEY", der::Flag(true)), Hex("FF84AAAD8A590B30091604454B45590101FF"));
  EXPECT_EQ(der::Number(0x8015), Hex("0203008015"));
  const Bytes digest(48, 0xAB);
  const Bytes element = der::Keyed("DGST", der::Octets(digest));
  EXPECT_EQ(station::ToHex(element).substr(0, 34),
            "ff84a29da6543a3038160444475354"
            "0430");
}

TEST(Payload, ReadsTheSmallestLegalOne) {
  const Bytes bytes =
      Hex("3014"
          "1604494d3450"
          "16046c706f6c"
          "1603312e30"
          "040100");
  const auto payload = ReadPayload(bytes);
  ASSERT_TRUE(payload);
  EXPECT_EQ(payload->type, "lpol");
  EXPECT_EQ(payload->description, "1.0");
  EXPECT_EQ(WritePayload("lpol", "1.0", Bytes{0}), bytes);
}

TEST(Payload, PatchChangesOnlyTheType) {
  Bytes bytes = WritePayload("dtre", "tree", Bytes(1000, 7));
  const Bytes wanted = WritePayload("rdtr", "tree", Bytes(1000, 7));
  ASSERT_TRUE(PatchType(bytes, "rdtr"));
  EXPECT_EQ(bytes, wanted);
}

TEST(TicketReader, RefusesComponentsOutOfOrderOrTwice) {
  const Bytes identity = WriteKeyedSet("MANP", {{"CHIP", der::Number(1)}});
  const Bytes krnl = WriteKeyedSet("krnl", {{"DGST", der::Octets(Bytes(48))}});
  const Bytes ibec = WriteKeyedSet("ibec", {{"DGST", der::Octets(Bytes(48))}});
  const auto ticket = [&](const std::vector<Bytes>& parts) {
    return WriteTicket(
        der::Wrap(der::Tag::kSet, der::Keyed("MANB", der::Wrap(der::Tag::kSet, der::Join(parts)))),
        Bytes(512), {der::Wrap(der::Tag::kSequence, {})});
  };
  EXPECT_TRUE(ReadTicket(ticket({identity, ibec, krnl})));
  EXPECT_FALSE(ReadTicket(ticket({identity, krnl, ibec})));
  EXPECT_FALSE(ReadTicket(ticket({identity, ibec, ibec})));
  EXPECT_FALSE(ReadTicket(ticket({ibec, krnl})));  // no MANP
  Bytes longer = ticket({identity, ibec});
  longer.push_back(0);
  EXPECT_FALSE(ReadTicket(longer));
}

}  // namespace
}  // namespace rack
