#include <gtest/gtest.h>

#include <functional>

#include "tests/rack/image4/ticket.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

Value Entry(std::size_t digest_size) {
  return Value::Dict{{"Digest", Bytes(digest_size, 7)}, {"Trusted", true}};
}

Value RequestFor(const Product& product) {
  return Value::Dict{{"@ApImg4Ticket", true},
                     {"ApECID", std::uint64_t{0xA1B2C3D4E0001}},
                     {"ApChipID", std::uint64_t{product.chip}},
                     {"ApBoardID", std::uint64_t{product.board_id}},
                     {"ApSecurityDomain", 1},
                     {"ApProductionMode", true},
                     {"ApSecurityMode", true},
                     {"ApNonce", Bytes(product.generation.ap_nonce_size, 0x11)},
                     {"SepNonce", Bytes(20, 0x22)},
                     {"UniqueBuildID", Bytes(20, 0x33)},
                     {"iBEC", Entry(DigestSize(product.generation.hash))}};
}

Value NewRequest() {
  Value request = RequestFor(*TestProducts().Find("iPhone13,2"));
  request.Set("Ap,OSLongVersion", "23.3.71.0.0,0");
  request.Set("Ap,ProductMarketingVersion", "26.2.1");
  request.Set("Ap,ProductType", "iPhone13,2");
  request.Set("Ap,SDKPlatform", "iphoneos");
  request.Set("Ap,Target", "D53gAP");
  request.Set("Ap,TargetType", "d53g");
  request.Set("Ap,Timestamp", 0);
  request.Set("NeRDEpoch", 0);
  request.Set("PermitNeRDPivot", Bytes());
  request.Set("UID_MODE", false);
  return request;
}

std::string StatusOf(const Value& request) {
  const std::string text = TestSigner().Answer(request, {});
  return text.substr(0, text.find('&'));
}

// The ticket of an answer with STATUS=0; empty otherwise.
Bytes TicketFor(const Value& request) {
  const std::string text = TestSigner().Answer(request, {});
  const std::size_t at = text.find("<?xml");
  const auto answer = Value::Parse(std::string_view(text).substr(std::min(at, text.size())));
  const Bytes* ticket = answer ? answer->Data("ApImg4Ticket") : nullptr;
  return ticket == nullptr ? Bytes() : *ticket;
}

struct Objection {
  const char* name;
  const char* product;
  const char* reference;
  std::function<void(Value& request)> spoil;
};
void PrintTo(const Objection& row, std::ostream* out) { *out << row.name; }

std::function<void(Value&)> Without(const char* key) {
  return [key](Value& request) { request.Erase(key); };
}
std::function<void(Value&)> With(const char* key, Value value) {
  return [key, value](Value& request) { request.Set(key, value); };
}

class SignerObjection : public testing::TestWithParam<Objection> {};

TEST_P(SignerObjection, EndsInStatus94) {
  Value request = GetParam().product == std::string_view("iPhone13,2")
                      ? NewRequest()
                      : RequestFor(*TestProducts().Find(GetParam().product));
  ASSERT_EQ(StatusOf(request), "STATUS=0");
  GetParam().spoil(request);
  EXPECT_EQ(StatusOf(request), "STATUS=94") << GetParam().reference;
}

constexpr const char* kA9 = "iPhone8,1";
constexpr const char* kA11 = "iPhone10,1";
constexpr const char* kA14 = "iPhone13,2";

INSTANTIATE_TEST_SUITE_P(
    Table, SignerObjection,
    testing::Values(
        Objection{"NoEcid", kA11, "reference 5.3, 5.6", Without("ApECID")},
        Objection{"EcidAsText", kA11, "reference 5.3, 5.6", With("ApECID", "0xA1")},
        Objection{"NoChip", kA11, "reference 5.3, 5.6", Without("ApChipID")},
        Objection{"UnknownChip", kA11, "reference 5.6", With("ApChipID", 0x9999)},
        Objection{"UnknownBoard", kA11, "reference 5.6", With("ApBoardID", 0x77)},
        Objection{"OtherDomain", kA11, "reference 5.3, 5.6", With("ApSecurityDomain", 2)},
        Objection{"NoProductionMode", kA11, "reference 5.3: constant, inferred",
                  Without("ApProductionMode")},
        Objection{"NotSecure", kA11, "reference 5.3: constant for Image4, inferred",
                  With("ApSecurityMode", false)},
        Objection{"NoApNonce", kA11, "reference 5.3", Without("ApNonce")},
        Objection{"ApNonceOfOlderChips", kA11, "reference 1.3", With("ApNonce", Bytes(20))},
        Objection{"ApNonceOfNewerChips", kA9, "reference 1.3", With("ApNonce", Bytes(32))},
        Objection{"NoSepNonce", kA11, "reference 4.3: every leaf asks for snon",
                  Without("SepNonce")},
        Objection{"SepNonceTooLong", kA9, "reference 1.3", With("SepNonce", Bytes(32))},
        Objection{"NoUniqueBuildId", kA11, "reference 5.3, 5.6", Without("UniqueBuildID")},
        Objection{"UniqueBuildIdAsText", kA11, "reference 5.3", With("UniqueBuildID", "abc")},
        Objection{"OddDigest", kA11, "reference 4.5", With("iBEC", Entry(7))},
        Objection{"DigestOfOlderChips", kA11, "reference 4.5", With("iBEC", Entry(20))},
        Objection{"DigestOfNewerChips", kA9, "reference 4.5", With("iBEC", Entry(48))},
        Objection{"EmptyDigestOfAFile", kA11, "reference 4.5, inferred", With("iBEC", Entry(0))},
        Objection{"NoDigest", kA11, "reference 5.3, inferred",
                  With("iBEC", Value::Dict{{"Trusted", true}})},
        Objection{"NothingToSign", kA11, "reference 5.6", Without("iBEC")},
        Objection{"PeripheralTicketInTheSameRequest", kA11, "reference 5.5",
                  With("@SE,Ticket", true)},
        Objection{"ProductOfAnotherBoard", kA14, "reference 5.3, 5.6",
                  With("Ap,ProductType", "iPhone13,3")},
        Objection{"TargetOfAnotherBoard", kA14, "reference 5.3, 5.6", With("Ap,Target", "D53pAP")},
        Objection{"TargetTypeOfAnotherBoard", kA14, "reference 5.3, 5.6",
                  With("Ap,TargetType", "d53p")},
        Objection{"LongVersionAsNumber", kA14, "reference 5.3", With("Ap,OSLongVersion", 23)},
        Objection{"NerdEpochAsText", kA14, "reference 5.3", With("NeRDEpoch", "0")}),
    [](const auto& row) { return row.param.name; });

TEST(Signer, AnswersMalformedRequestsAsApplesDoes) {
  EXPECT_EQ(StatusOf(Value()), "STATUS=100");
  EXPECT_EQ(StatusOf(Value("no dictionary")), "STATUS=100");
}

TEST(Signer, GivesTheWholeIdentitySortedAndSkipsUnknownComponents) {
  Value request = RequestFor(*TestProducts().Find(kA11));
  request.Set("Savage,B0-Prod-Patch", Value::Dict{{"Digest", Bytes(32)}});
  request.Set("Rap,RTKitOS", Entry(48));
  request.Set("OS", Value::Dict{{"Digest", Bytes(48, 9)}, {"Trusted", true}});
  request.Set("ftap", Entry(0));
  request.Set("AOP", Value::Dict{{"Digest", Bytes(48, 3)}});
  request.Set("PearlCertificationRootPub", Bytes(97, 4));
  request.Set("@BBTicket", true);
  const Bytes bytes = TicketFor(request);
  const auto ticket = ReadTicket(bytes);
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

TEST(Signer, RepeatsWhatNewerRequestsSay) {
  Value request = NewRequest();
  for (const char* name : {"SEP", "RestoreSEP"}) {
    Value entry = Entry(48);
    entry.Set("TBMDigests", Bytes(240, 5));
    request.Set(name, entry);
  }
  const Bytes bytes = TicketFor(request);
  const auto ticket = ReadTicket(bytes);
  ASSERT_TRUE(ticket);
  const auto text = [&](const char* name) {
    return std::string(AsText(ticket->identity.Octets(name).value_or(Bytes())));
  };
  EXPECT_EQ(text("love"), "23.3.71.0.0,0");
  EXPECT_EQ(text("apmv"), "26.2.1");
  EXPECT_EQ(text("prtp"), "iPhone13,2");
  EXPECT_EQ(text("sdkp"), "iphoneos");
  EXPECT_EQ(text("tagt"), "D53gAP");
  EXPECT_EQ(text("tatp"), "d53g");
  EXPECT_EQ(ticket->identity.Number("tstp"), 0U);
  EXPECT_EQ(ticket->identity.Flag("uidm"), false);
  EXPECT_EQ(ticket->components.at("sepi").Octets("tbms"), Bytes(240, 5));
  EXPECT_EQ(ticket->components.at("rsep").Octets("tbmr"), Bytes(240, 5));
}

TEST(Signer, GenerationFollowsFromTheChip) {
  struct Row {
    const char* product;
    std::size_t signature;
    std::size_t certificates;
  };
  for (const Row& row :
       {Row{"iPhone6,1", 256, 2}, Row{kA9, 256, 2}, Row{"iPhone9,1", 512, 1}, Row{kA14, 512, 1}}) {
    const Product& product = *TestProducts().Find(row.product);
    const Bytes bytes = TicketFor(RequestFor(product));
    const auto ticket = ReadTicket(bytes);
    ASSERT_TRUE(ticket) << row.product;
    EXPECT_EQ(ticket->signature.size(), row.signature) << row.product;
    EXPECT_EQ(ticket->certificates.size(), row.certificates) << row.product;
    EXPECT_TRUE(TestRoot().Check(*ticket, product.generation)) << row.product;
  }
}

}  // namespace
}  // namespace rack
