// The baseband's firmware in restore mode: both rounds, and what is refused.

#include "tests/rack/restore/baseband.h"

#include <gtest/gtest.h>

#include "station/base/ids.h"
#include "tests/rack/side/baseband.h"
#include "tests/rack/test/side_host.h"

namespace rack {
namespace {

struct Maker {
  const char* name;
  Value (*elements)();
  const char* product;  // whose baseband the elements are of
};
void PrintTo(const Maker& row, std::ostream* out) { *out << row.name; }

SideFirmware FirmwareOf(const Maker& maker) {
  SideFirmware firmware = EveryChip(maker.elements());
  // The same firmware for the other board too.
  firmware.ramdisk.components["d201ap"] = firmware.ramdisk.components["d20ap"];
  firmware.ramdisk.sides["d201ap"] = firmware.ramdisk.sides["d20ap"];
  return firmware;
}

class EachBaseband : public testing::TestWithParam<Maker> {};

TEST_P(EachBaseband, IsAskedTwiceAndWritten) {
  const SideFirmware firmware = FirmwareOf(GetParam());
  SideHost host(firmware);
  SideBench bench(firmware, host, false, GetParam().product);
  ASSERT_TRUE(BasebandAsked(bench.Run()));
  const Bytes nonce = bench.Device().State().baseband_nonce;
  const StepResult done = AskBaseband(bench.Run());
  ASSERT_TRUE(done) << done.error().detail;
  ASSERT_EQ(host.asked.size(), 2U);
  EXPECT_EQ(host.asked[0].Find("Arguments")->Data("Nonce"), nullptr);
  EXPECT_EQ(*host.asked[1].Find("Arguments")->Data("Nonce"), nonce);
  const PhoneState state = bench.Device().State();
  EXPECT_EQ(state.firmware.at("BasebandFirmware"),
            station::ToHex(
                BasebandDigest(*firmware.Identity().Find("Manifest")->Find("BasebandFirmware"))));
  EXPECT_NE(state.baseband_nonce, nonce) << "a nonce serves once";
  const std::vector<Value> told = bench.Told();
  ASSERT_EQ(told.size(), 2U);
  for (const Value& message : told) {
    EXPECT_EQ(message.Text("MsgType"), "BBUpdateStatusMsg");
    EXPECT_TRUE(message.Flag("Accepted"));
  }
  EXPECT_TRUE(told.back().Find("Output")->Flag("done"));
}

INSTANTIATE_TEST_SUITE_P(Table, EachBaseband,
                         testing::Values(Maker{"Qualcomm", [] { return Value(); }, "iPhone10,1"},
                                         Maker{"Intel", IntelElements, "iPhone10,4"},
                                         Maker{"Fls", FlsElements, "iPhone10,4"}),
                         [](const auto& row) { return row.param.name; });

struct Spoiled {
  const char* name;
  Reason reason;
  void (*spoil)(SideHost& host);
};
void PrintTo(const Spoiled& row, std::ostream* out) { *out << row.name; }

class SpoiledBaseband : public testing::TestWithParam<Spoiled> {};

TEST_P(SpoiledBaseband, IsRefusedAndNothingWritten) {
  const SideFirmware firmware = EveryChip();
  SideHost host(firmware);
  GetParam().spoil(host);
  SideBench bench(firmware, host, false);
  const Bytes nonce = bench.Device().State().baseband_nonce;
  const StepResult done = AskBaseband(bench.Run());
  ASSERT_FALSE(done);
  EXPECT_EQ(Name(done.error().reason), Name(GetParam().reason)) << done.error().detail;
  EXPECT_TRUE(bench.Device().State().firmware.empty());
  EXPECT_EQ(bench.Device().State().baseband_nonce, nonce);
  EXPECT_TRUE(bench.Told().empty());
}

void InFile(SideHost& host, const char* file, std::size_t from_end) {
  host.files = [=](ZipMembers& members) {
    Bytes& bytes = members.at(file);
    bytes.at(bytes.size() - from_end) ^= 1U;
  };
}

INSTANTIATE_TEST_SUITE_P(
    Table, SpoiledBaseband,
    testing::Values(
        Spoiled{"OtherNonce", Reason::kUpdaterNonce,
                [](SideHost& h) {
                  h.request = [](Value& r) {
                    if (r.Find("BbNonce") != nullptr) r.Set("BbNonce", Bytes(20, 1));
                  };
                }},
        Spoiled{"OtherSerial", Reason::kBasebandSignature,
                [](SideHost& h) { h.request = [](Value& r) { r.Set("BbSNUM", Bytes(4, 1)); }; }},
        Spoiled{"OtherPhone", Reason::kBasebandTicket,
                [](SideHost& h) { h.request = [](Value& r) { r.Set("ApECID", 2); }; }},
        Spoiled{"OtherCertificate", Reason::kBasebandTicket,
                [](SideHost& h) { h.request = [](Value& r) { r.Set("BbGoldCertId", 2); }; }},
        Spoiled{"UnsignedLoader", Reason::kBasebandSignature,
                [](SideHost& h) { InFile(h, "sbl1.mbn", 1); }},
        Spoiled{"AlteredLoader", Reason::kBasebandSignature,
                [](SideHost& h) { InFile(h, "sbl1.mbn", 7000); }},
        Spoiled{"AlteredFile", Reason::kBasebandData,
                [](SideHost& h) { InFile(h, "apps.mbn", 9); }},
        Spoiled{"MissingFile", Reason::kBasebandData,
                [](SideHost& h) { h.files = [](ZipMembers& m) { m.erase("apps.mbn"); }; }},
        Spoiled{"MissingLoader", Reason::kBasebandData,
                [](SideHost& h) { h.files = [](ZipMembers& m) { m.erase("sbl1.mbn"); }; }},
        Spoiled{"NoTicket", Reason::kBasebandTicket,
                [](SideHost& h) { h.files = [](ZipMembers& m) { m.erase("bbticket.der"); }; }},
        Spoiled{"ForeignTicket", Reason::kBasebandTicket,
                [](SideHost& h) {
                  h.files = [](ZipMembers& m) { m["bbticket.der"] = Bytes(900, 1); };
                }},
        Spoiled{"TicketOfTheFirstRound", Reason::kUpdaterNonce,
                [](SideHost& h) { h.request = [](Value& r) { r.Erase("BbNonce"); }; }}),
    [](const auto& row) { return row.param.name; });

TEST(Baseband, OldHostsAreNotAskedForElementsTheyDoNotKnow) {
  Value elements = IntelElements();
  elements.Set("Misc-PartialDigest", *elements.Data("PSI-PartialDigest"));
  const SideFirmware firmware = EveryChip(elements);
  SideHost host(firmware);
  SideBench old_host(firmware, host, false);
  EXPECT_FALSE(BasebandAsked(old_host.Run()));
  SideBench current_host(firmware, host, true);
  EXPECT_TRUE(BasebandAsked(current_host.Run()));
}

TEST(Baseband, NormalModeAndRestoreModeSayTheSame) {
  const SideFirmware firmware = EveryChip();
  SideHost host(firmware);
  SideBench bench(firmware, host, false);
  const auto baseband = BasebandOf(bench.Device().Spec());
  ASSERT_TRUE(baseband);
  const Value told = PreflightInfo(*baseband, bench.Device().State().baseband_nonce);
  ASSERT_TRUE(AskBaseband(bench.Run()));
  const Value& asked = *host.asked.at(1).Find("Arguments");
  for (const char* key : {"ChipID", "CertID"}) EXPECT_EQ(told.Number(key), asked.Number(key));
  for (const char* key : {"ChipSerialNo", "Nonce"}) EXPECT_EQ(*told.Data(key), *asked.Data(key));
}

}  // namespace
}  // namespace rack
