#include "tests/rack/image4/verify.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/rack/image4/digest.h"
#include "tests/rack/test/img4.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

// One chip of each generation.
struct Kind {
  const char* name;
  std::uint32_t chip;
  std::uint32_t board;
  std::uint32_t other_chip;
  std::uint32_t other_board;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
constexpr Kind kA9 = {"A9", 0x8000, 0x04, 0x8003, 0x06};
constexpr Kind kA11 = {"A11", 0x8015, 0x02, 0x8010, 0x0A};

const Bytes kSepNonce(20, 0x22);

ChipIdentity TestChip(const Kind& kind) {
  const Generation generation = GenerationOf(kind.chip);
  return {kind.chip, kind.board, 0xA1B2C3D4E0001, 1, 1, Bytes(generation.ap_nonce_size, 0x11),
          kSepNonce, generation};
}

Value RequestFor(const Kind& kind, const Bytes& payload, const std::string& component) {
  const ChipIdentity chip = TestChip(kind);
  return Value::Dict{
      {"@ApImg4Ticket", true},
      {"ApECID", chip.ecid},
      {"ApChipID", std::uint64_t{kind.chip}},
      {"ApBoardID", std::uint64_t{kind.board}},
      {"ApSecurityDomain", 1},
      {"ApProductionMode", true},
      {"ApSecurityMode", true},
      {"ApNonce", chip.ap_nonce},
      {"SepNonce", kSepNonce},
      {"UniqueBuildID", Bytes(20, 0x33)},
      {component, Value::Dict{{"Digest", Hash(chip.generation.hash, payload)}, {"Trusted", true}}}};
}

struct Case {
  const char* name;
  Reason reason;
  // Makes the one thing wrong; each part may be changed.
  std::function<void(const Kind& kind, Value& request, ChipIdentity& chip, Bytes& payload)> spoil =
      {};
  std::function<void(Bytes& img4)> spoil_image = {};
  const char* component = "iBEC";
  const char* type = "ibec";
  const char* accepted = "ibec";
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class BootStage : public testing::TestWithParam<std::tuple<Case, Kind>> {};

TEST_P(BootStage, Judges) {
  const auto& [test, kind] = GetParam();
  Bytes payload = WritePayload(test.type, "test", Bytes(5000, 0x5A));
  Value request = RequestFor(kind, payload, test.component);
  ChipIdentity chip = TestChip(kind);
  if (test.spoil) test.spoil(kind, request, chip, payload);
  const Bytes ticket = TestSigner().Sign(request);
  Bytes img4 = Stitch(payload, ticket);
  if (test.spoil_image) test.spoil_image(img4);
  const auto image = Verifier(TestRoot(), chip).CheckImage(img4, Only(test.accepted));
  if (test.reason == Reason::kNone) {
    ASSERT_TRUE(image) << image.error().detail;
    EXPECT_EQ(image->type, test.type);
    EXPECT_EQ(image->data.size(), 5000U);
    EXPECT_EQ(image->digest, Hash(chip.generation.hash, payload));
    EXPECT_EQ(image->ticket_hash, TicketHash(ticket, chip.generation));
    return;
  }
  ASSERT_FALSE(image);
  EXPECT_EQ(Name(image.error().reason), Name(test.reason)) << image.error().detail;
}

// Tickets end in the leaf, which ends in the issuer's signature.
void FlipLeaf(Bytes& img4) { img4[img4.size() - 10] ^= 1U; }

INSTANTIATE_TEST_SUITE_P(
    Table, BootStage,
    testing::Combine(
        testing::Values(
            Case{"GoodImage", Reason::kNone},
            Case{.name = "GoodSep",
                 .reason = Reason::kNone,
                 .component = "RestoreSEP",
                 .type = "rsep",
                 .accepted = "rsep"},
            Case{"Truncated", Reason::kMalformed, {}, [](Bytes& img4) { img4.pop_back(); }},
            Case{"TrailingByte", Reason::kMalformed, {}, [](Bytes& img4) { img4.push_back(0); }},
            Case{"Garbage", Reason::kMalformed, {}, [](Bytes& img4) { img4.assign(100, 0xEE); }},
            Case{"LeafBit", Reason::kChain, {}, FlipLeaf},
            // Of another chip, but signed for it: its leaf allows it, this chip does not.
            Case{"OtherChip", Reason::kChip,
                 [](const Kind& kind, Value& r, ChipIdentity&, Bytes&) {
                   r.Set("ApChipID", std::uint64_t{kind.other_chip});
                 }},
            Case{"OtherBoard", Reason::kBoard,
                 [](const Kind& kind, Value& r, ChipIdentity&, Bytes&) {
                   r.Set("ApBoardID", std::uint64_t{kind.other_board});
                 }},
            Case{"OtherEcid", Reason::kEcid,
                 [](const Kind&, Value& r, ChipIdentity&, Bytes&) { r.Set("ApECID", 12345); }},
            // Leaves may only sign for security domain 1.
            Case{
                "OtherDomain", Reason::kConstraints,
                [](const Kind&, Value& r, ChipIdentity&, Bytes&) { r.Set("ApSecurityDomain", 2); }},
            Case{"PhoneOfAnotherDomain", Reason::kDomain,
                 [](const Kind&, Value&, ChipIdentity& chip, Bytes&) { chip.security_domain = 2; }},
            Case{"OtherNonce", Reason::kNonce,
                 [](const Kind&, Value&, ChipIdentity& chip,
                    Bytes&) { chip.ap_nonce.back() ^= 1U; }},
            Case{.name = "OtherSepNonce",
                 .reason = Reason::kSepNonce,
                 .spoil = [](const Kind&, Value&, ChipIdentity& chip,
                             Bytes&) { chip.sep_nonce[0] ^= 1U; },
                 .component = "SEP",
                 .type = "sepi",
                 .accepted = "sepi"},
            Case{"DevelopmentTicket", Reason::kMode,
                 [](const Kind&, Value& r, ChipIdentity&, Bytes&) {
                   r.Set("ApProductionMode", false);
                 }},
            Case{"OldEpoch", Reason::kMode,
                 [](const Kind&, Value&, ChipIdentity& chip, Bytes&) { chip.security_epoch = 2; }},
            Case{"AlteredPayload", Reason::kDigest,
                 [](const Kind&, Value&, ChipIdentity&, Bytes& payload) { payload.back() ^= 1U; }},
            Case{"NotInTicket",
                 Reason::kType,
                 [](const Kind&, Value&, ChipIdentity&, Bytes& payload) {
                   PatchType(payload, "ibss");
                 },
                 {},
                 "iBEC",
                 "ibec",
                 "ibss"},
            Case{"WrongCommand", Reason::kType, {}, {}, "RestoreRamDisk", "rdsk", "ibec"}),
        testing::Values(kA9, kA11)),
    [](const auto& row) {
      return std::string(std::get<0>(row.param).name) + std::get<1>(row.param).name;
    });

}  // namespace
}  // namespace rack
