#include "tests/rack/image4/verify.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/rack/image4/digest.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

const Bytes kApNonce(32, 0x11);
const Bytes kSepNonce(20, 0x22);

ChipIdentity TestChip() { return {0x8015, 0x02, 0xA1B2C3D4E0001, 1, 1, kApNonce, kSepNonce}; }

Value RequestFor(const Bytes& payload, const std::string& component) {
  return Value::Dict{
      {"@ApImg4Ticket", true},
      {"ApECID", std::uint64_t{0xA1B2C3D4E0001}},
      {"ApChipID", 0x8015},
      {"ApBoardID", 0x02},
      {"ApSecurityDomain", 1},
      {"ApProductionMode", true},
      {"ApSecurityMode", true},
      {"ApNonce", kApNonce},
      {"SepNonce", kSepNonce},
      {"UniqueBuildID", Bytes(20, 0x33)},
      {component, Value::Dict{{"Digest", Hash(HashKind::kSha384, payload)}, {"Trusted", true}}}};
}

Bytes Stitch(const Bytes& payload, const Bytes& ticket) {
  return der::Wrap(der::Tag::kSequence,
                   der::Join({der::Text("IMG4"), payload, der::Wrap(der::Tag::kContext0, ticket)}));
}

struct Case {
  const char* name;
  Reason reason;
  // Makes the one thing wrong; each part may be changed.
  std::function<void(Value& request, ChipIdentity& chip, Bytes& payload)> spoil = {};
  std::function<void(Bytes& img4)> spoil_image = {};
  const char* component = "iBEC";
  const char* type = "ibec";
  const char* accepted = "ibec";
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class BootStage : public testing::TestWithParam<Case> {};

TEST_P(BootStage, Judges) {
  const Case& test = GetParam();
  Bytes payload = WritePayload(test.type, "test", Bytes(5000, 0x5A));
  Value request = RequestFor(payload, test.component);
  ChipIdentity chip = TestChip();
  if (test.spoil) test.spoil(request, chip, payload);
  Bytes img4 = Stitch(payload, TestSigner().Sign(request));
  if (test.spoil_image) test.spoil_image(img4);
  const auto image = Verifier(TestRoot(), chip).CheckImage(img4, Only(test.accepted));
  if (test.reason == Reason::kNone) {
    ASSERT_TRUE(image) << image.error().detail;
    EXPECT_EQ(image->type, test.type);
    EXPECT_EQ(image->data.size(), 5000U);
    return;
  }
  ASSERT_FALSE(image);
  EXPECT_EQ(Name(image.error().reason), Name(test.reason)) << image.error().detail;
}

void Set(Value& request, const char* key, Value value) { request.Set(key, std::move(value)); }

INSTANTIATE_TEST_SUITE_P(
    Table, BootStage,
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
        // The signed part ends some 2.5 kB before the end: signature and leaf certificate follow
        // it.
        Case{"SignatureBit",
             Reason::kSignature,
             {},
             [](Bytes& img4) {
               img4[img4.size() - TestSigner().Keys().LeafCertificate().size() - 100] ^= 1U;
             }},
        Case{"LeafBit", Reason::kChain, {}, [](Bytes& img4) { img4[img4.size() - 10] ^= 1U; }},
        Case{"OtherChip", Reason::kChip,
             [](Value& r, ChipIdentity&, Bytes&) { Set(r, "ApChipID", 0x8010); }},
        Case{"OtherBoard", Reason::kBoard,
             [](Value& r, ChipIdentity&, Bytes&) { Set(r, "ApBoardID", 0x0A); }},
        Case{"OtherEcid", Reason::kEcid,
             [](Value& r, ChipIdentity&, Bytes&) { Set(r, "ApECID", 12345); }},
        // The leaf may only sign for security domain 1, so another one already fails its
        // constraints.
        Case{"OtherDomain", Reason::kChain,
             [](Value& r, ChipIdentity&, Bytes&) { Set(r, "ApSecurityDomain", 2); }},
        Case{"OtherNonce", Reason::kNonce,
             [](Value&, ChipIdentity& chip, Bytes&) { chip.ap_nonce[31] ^= 1U; }},
        Case{.name = "OtherSepNonce",
             .reason = Reason::kSepNonce,
             .spoil = [](Value&, ChipIdentity& chip, Bytes&) { chip.sep_nonce[0] ^= 1U; },
             .component = "SEP",
             .type = "sepi",
             .accepted = "sepi"},
        Case{"DevelopmentTicket", Reason::kMode,
             [](Value& r, ChipIdentity&, Bytes&) { Set(r, "ApProductionMode", false); }},
        Case{"OldEpoch", Reason::kMode,
             [](Value&, ChipIdentity& chip, Bytes&) { chip.security_epoch = 2; }},
        Case{"AlteredPayload", Reason::kDigest,
             [](Value&, ChipIdentity&, Bytes& payload) { payload.back() ^= 1U; }},
        Case{"NotInTicket",
             Reason::kType,
             [](Value&, ChipIdentity&, Bytes& payload) { PatchType(payload, "ibss"); },
             {},
             "iBEC",
             "ibec",
             "ibss"},
        Case{"WrongCommand", Reason::kType, {}, {}, "RestoreRamDisk", "rdsk", "ibec"}),
    [](const auto& row) { return row.param.name; });

TEST(Signer, RefusesRequestsThatNameNothingSignable) {
  const Bytes payload = WritePayload("ibec", "x", Bytes(10));
  const auto answer = [&](const char* key, Value value) {
    Value request = RequestFor(payload, "iBEC");
    if (value.AsDict() != nullptr && value.AsDict()->empty())
      request.Erase(key);
    else
      request.Set(key, std::move(value));
    return TestSigner().Answer(request, {}).substr(0, 10);
  };
  EXPECT_EQ(answer("@UUID", "x"), "STATUS=0&M");
  EXPECT_EQ(answer("ApNonce", Value()), "STATUS=94&");
  EXPECT_EQ(answer("UniqueBuildID", Value()), "STATUS=94&");
  EXPECT_EQ(answer("ApChipID", 0x9999), "STATUS=94&");
  EXPECT_EQ(answer("ApBoardID", 0x77), "STATUS=94&");
  EXPECT_EQ(answer("iBEC", Value::Dict{{"Digest", Bytes(7)}}), "STATUS=94&");
  EXPECT_EQ(TestSigner().Answer(Value(), {}).substr(0, 10), "STATUS=100");
}

TEST(Signer, GivesTheWholeIdentitySortedAndSkipsUnknownComponents) {
  const Bytes payload = WritePayload("ibec", "x", Bytes(10));
  Value request = RequestFor(payload, "iBEC");
  request.Set("Savage,B0-Prod-Patch", Value::Dict{{"Digest", Bytes(32)}});
  request.Set("OS", Value::Dict{{"Digest", Bytes(48, 9)}, {"Trusted", true}});
  request.Set("ftap", Value::Dict{{"Digest", Bytes()}, {"Trusted", true}});
  request.Set("AOP", Value::Dict{{"Digest", Bytes(48, 3)}});
  request.Set("PearlCertificationRootPub", Bytes(97, 4));
  request.Set("@SE,Ticket", true);
  const std::string text = TestSigner().Answer(request, {});
  const auto answer = Value::Parse(std::string_view(text).substr(text.find("<?xml")));
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->Data("SE,Ticket"), nullptr);
  ASSERT_NE(answer->Data("ApImg4Ticket"), nullptr);
  const auto ticket = ReadTicket(*answer->Data("ApImg4Ticket"));
  ASSERT_TRUE(ticket);
  for (const char* name :
       {"BNCH", "BORD", "CEPO", "CHIP", "CPRO", "CSEC", "ECID", "SDOM", "pcrp", "snon", "srvn"})
    EXPECT_TRUE(ticket->identity.Has(name)) << name;
  EXPECT_EQ(ticket->components.size(), 4U);
  EXPECT_EQ(ticket->components.at("rosi").Octets("DGST"), Bytes(48, 9));
  EXPECT_EQ(ticket->components.at("ftap").Octets("DGST")->size(), 32U);
  EXPECT_EQ(ticket->components.at("aopf").Flag("EKEY"), false);
  EXPECT_EQ(ticket->components.at("ibec").Flag("EKEY"), true);
}

}  // namespace
}  // namespace rack
