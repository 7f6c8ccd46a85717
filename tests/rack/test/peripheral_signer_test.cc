// The signer's judgement on requests for chips beside the application processor
// (reference 5.5, 5.6).

#include <gtest/gtest.h>

#include "tests/rack/side/ticket.h"
#include "tests/rack/signer/switch.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

Value Entry() { return Value::Dict{{"Digest", Bytes(32, 1)}}; }

Value SeRequest() {
  return Value::Dict{{"@BBTicket", true},          {"@SE,Ticket", true},
                     {"SE,ChipID", 0x73},          {"SE,ID", Bytes(24, 1)},
                     {"SE,Nonce", Bytes(20, 2)},   {"SE,RootKeyIdentifier", Bytes(16, 3)},
                     {"SE,UpdatePayload", Entry()}};
}

Value SavageRequest() {
  return Value::Dict{{"@BBTicket", true},
                     {"@Savage,Ticket", true},
                     {"Savage,UID", Bytes(16, 1)},
                     {"Savage,Nonce", Bytes(20, 2)},
                     {"Savage,PatchEpoch", 0},
                     {"Savage,ChipID", 1},
                     {"Savage,AllowOfflineBoot", false},
                     {"Savage,ReadFWKey", true},
                     {"Savage,ReadECKey", false},
                     {"Savage,ProductionMode", true},
                     {"SEP", Entry()},
                     {"Savage,B2-Prod-Patch", Entry()}};
}

Value RetimerRequest() {
  return Value::Dict{{"@BBTicket", true},           {"@Timer,Ticket,2", true},
                     {"Timer,BoardID,2", 1},        {"Timer,ChipID,2", 2},
                     {"Timer,ECID,2", 3},           {"Timer,Nonce,2", Bytes(32, 1)},
                     {"Timer,SecurityDomain,2", 1}, {"Timer,SecurityMode,2", true},
                     {"Timer,ProductionMode,2", 1}, {"Timer,RTKitOS,2", Entry()}};
}

Value BasebandRequest() {
  Bytes partial = {0x84, 0, 0, 0, 0, 0, 1, 0};
  partial.resize(40);
  return Value::Dict{{"@BBTicket", true},
                     {"ApECID", 1},
                     {"BbChipID", 0x65},
                     {"BbGoldCertId", 7},
                     {"BbSNUM", Bytes(12, 1)},
                     {"BbNonce", Bytes(20, 2)},
                     {"BasebandFirmware", Value::Dict{{"EBL-DownloadDigest", Bytes(32, 1)},
                                                      {"PSI-PartialDigest", partial}}}};
}

Value UnknownRequest() {
  return Value::Dict{{"@Wheel7,Ticket", true}, {"Wheel7,Nonce", Bytes(8, 1)}};
}

Value AnswerTo(const Value& request) {
  const std::string text = TestSigner().Answer(request, {});
  const std::size_t at = text.find("<?xml");
  EXPECT_TRUE(text.starts_with("STATUS=0&MESSAGE=SUCCESS&")) << text.substr(0, 200);
  return at == std::string::npos ? Value() : Value::Parse(text.substr(at)).value();
}

struct Good {
  const char* name;
  Value (*request)();
  const char* ticket;
  const char* bound;  // one key the ticket has to repeat
};
void PrintTo(const Good& row, std::ostream* out) { *out << row.name; }

class GoodRequest : public testing::TestWithParam<Good> {};

TEST_P(GoodRequest, GetsATicketThatBindsIt) {
  const Value request = GetParam().request();
  const Value answer = AnswerTo(request);
  const Bytes* ticket = answer.Data(GetParam().ticket);
  ASSERT_NE(ticket, nullptr);
  const auto bound = ReadSideTicket(TestRoot(), *ticket, GetParam().ticket);
  ASSERT_TRUE(bound) << bound.error().detail;
  ASSERT_NE(bound->Find(GetParam().bound), nullptr);
  EXPECT_EQ(bound->Find(GetParam().bound)->ToXml(), request.Find(GetParam().bound)->ToXml());
  EXPECT_FALSE(ReadSideTicket(TestRoot(), *ticket, "Other,Ticket"));
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoodRequest,
    testing::Values(Good{"Se", SeRequest, "SE,Ticket", "SE,Nonce"},
                    Good{"Savage", SavageRequest, "Savage,Ticket", "SEP"},
                    Good{"Retimer", RetimerRequest, "Timer,Ticket,2", "Timer,Nonce,2"},
                    Good{"Baseband", BasebandRequest, "BBTicket", "BasebandFirmware"},
                    Good{"NobodyKnows", UnknownRequest, "Wheel7,Ticket", "Wheel7,Nonce"}),
    [](const auto& row) { return row.param.name; });

struct Refused {
  const char* name;
  Value (*request)();
  void (*spoil)(Value& request);
  int status;
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.name; }

class RefusedRequest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRequest, GetsTheStatus) {
  Value request = GetParam().request();
  GetParam().spoil(request);
  const std::string text = TestSigner().Answer(request, {});
  EXPECT_TRUE(text.starts_with("STATUS=" + std::to_string(GetParam().status) + "&MESSAGE="))
      << text.substr(0, 200);
  EXPECT_EQ(text.find("SUCCESS"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedRequest,
    testing::Values(
        Refused{"SeWithoutNonce", SeRequest, [](Value& r) { r.Erase("SE,Nonce"); }, 94},
        Refused{"SeWithoutFirmware", SeRequest, [](Value& r) { r.Erase("SE,UpdatePayload"); }, 94},
        Refused{"SeChipAsText", SeRequest, [](Value& r) { r.Set("SE,ChipID", "0x73"); }, 100},
        Refused{"SeEmptyId", SeRequest, [](Value& r) { r.Set("SE,ID", Bytes()); }, 100},
        Refused{"SeWithTheApTicket", SeRequest, [](Value& r) { r.Set("@ApImg4Ticket", true); }, 94},
        Refused{"SavageWithoutSep", SavageRequest, [](Value& r) { r.Erase("SEP"); }, 94},
        Refused{"SavageModeAsNumber", SavageRequest,
                [](Value& r) { r.Set("Savage,ProductionMode", 1); }, 100},
        Refused{"RetimerOfAnotherNumber", RetimerRequest,
                [](Value& r) { r.Erase("Timer,Nonce,2"); }, 94},
        Refused{"BasebandWithoutSerial", BasebandRequest, [](Value& r) { r.Erase("BbSNUM"); }, 49},
        Refused{"BasebandOddNonce", BasebandRequest,
                [](Value& r) { r.Set("BbNonce", Bytes(7, 1)); }, 49},
        Refused{"BasebandWithoutChip", BasebandRequest, [](Value& r) { r.Erase("BbChipID"); }, 8},
        Refused{"BasebandWithoutFirmware", BasebandRequest,
                [](Value& r) { r.Erase("BasebandFirmware"); }, 8},
        Refused{
            "BasebandNonsenseDigest", BasebandRequest,
            [](Value& r) { r.Find("BasebandFirmware")->Set("PSI-PartialDigest", Bytes(40, 0xFF)); },
            8}),
    [](const auto& row) { return row.param.name; });

TEST(PeripheralSigner, FlagOfTheBasebandAloneAsksForNothing) {
  const Value answer = AnswerTo(Value::Dict{{"@BBTicket", true}, {"ApECID", 1}});
  EXPECT_EQ(answer.Find("BBTicket"), nullptr);
}

TEST(PeripheralSigner, BlobsHaveTheSizeTheManifestSays) {
  const Value answer = AnswerTo(BasebandRequest());
  EXPECT_EQ(answer.Find("BasebandFirmware")->Data("PSI-Blob")->size(), 0x84U);
  Value request = BasebandRequest();
  Bytes partial(28);
  partial[0] = 0x78;
  request.Set("BasebandFirmware", Value::Dict{{"SBL1-PartialDigest", partial}});
  EXPECT_EQ(AnswerTo(request).Find("BasebandFirmware")->Data("SBL1-Blob")->size(), 6520U);
}

TEST(PeripheralSigner, RefusesOneUpdaterOnCommand) {
  SignerFaults faults;
  EXPECT_FALSE(SwitchSigner(faults, {"refuse-updater", "Toaster"}));
  ASSERT_TRUE(SwitchSigner(faults, {"refuse-updater", "SE"}));
  EXPECT_TRUE(TestSigner().Answer(SeRequest(), faults).starts_with("STATUS=94&"));
  EXPECT_TRUE(TestSigner().Answer(SavageRequest(), faults).starts_with("STATUS=0&"));
  ASSERT_TRUE(SwitchSigner(faults, {"refuse-updater", "off"}));
  EXPECT_TRUE(TestSigner().Answer(SeRequest(), faults).starts_with("STATUS=0&"));
}

}  // namespace
}  // namespace rack
