// Restores as a phone lives them, with hosts that do everything right but for one thing.

#include "tests/rack/restore/story.h"

#include <gtest/gtest.h>

#include "tests/rack/test/scripted_host.h"

namespace rack {
namespace {

using Kind = ScriptedHost::Kind;

// The firmware and product that hosts of this kind restore.
struct Setting {
  Kind kind = Kind::kOld;
  std::string cart;  // more of the phone's line
  [[nodiscard]] TestFirmware Firmware() const {
    return kind == Kind::kOld ? OldFirmware() : NewFirmware();
  }
  [[nodiscard]] const char* Product() const {
    return kind == Kind::kOld ? "iPhone10,1" : "iPhone13,2";
  }
};

constexpr std::uint64_t kMinusOne = ~0ULL;

TEST(Story, OldHostErases) {
  RestoreModePhone bench("iPhone10,1", OldFirmware(), "ask_fud: true");
  ScriptedHost host(bench, OldFirmware(), Kind::kOld);
  const auto status = host.Run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Number("Status"), 0U) << bench.phone->State().last_error.detail;
  EXPECT_EQ(bench.NextEvent(), Event::kRestoreSucceeded);
  const PhoneState state = bench.phone->State();
  EXPECT_EQ(state.os_build, "19H999");
  EXPECT_TRUE(state.os_complete);
  EXPECT_FALSE(state.user_data_present);
  EXPECT_EQ(state.effaceable_generation, 2U);
  EXPECT_TRUE(state.AutoBoot());
}

TEST(Story, OldHostIsAskedForNothingItDoesNotKnow) {
  RestoreModePhone bench("iPhone10,1", OldFirmware(), "ask_fud: true, data_ports: true");
  ScriptedHost host(bench, OldFirmware(), Kind::kOld);
  ASSERT_TRUE(host.Run());
  HostAbilities old;
  for (const Value& message : host.Messages()) {
    const std::string type = message.Text("MsgType");
    EXPECT_TRUE(type == "DataRequestMsg" || type == "ProgressMsg" || type == "StatusMsg") << type;
    EXPECT_EQ(message.Find("DataPort"), nullptr);
    if (type == "DataRequestMsg") {
      EXPECT_TRUE(old.Answers(message.Text("DataType")));
    }
  }
}

TEST(Story, CurrentHostErasesIos26) {
  for (const char* cart : {"", "data_ports: true", "asr_checksums: false", "fdr_needed: true"}) {
    RestoreModePhone bench("iPhone13,2", NewFirmware(), cart);
    ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
    const auto status = host.Run();
    ASSERT_TRUE(status) << cart;
    EXPECT_EQ(status->Number("Status"), 0U) << cart << bench.phone->State().last_error.detail;
    EXPECT_EQ(bench.phone->State().os_build, "23C999");
    for (const char* line :
         {"AsyncDataRequestMsg SystemImageData", "AsyncDataRequestMsg URLAsset", "AsyncWait ",
          "DataRequestMsg SourceBootObjectV4", "DataRequestMsg PersonalizedBootObjectV3",
          "DataRequestMsg SystemImageRootHash", "DataRequestMsg SystemImageCanonicalMetadata",
          "DataRequestMsg EANData", "DataRequestMsg PersonalizedData",
          "DataRequestMsg BuildIdentityDict", "DataRequestMsg ReceiptManifest",
          "AsyncDataRequestMsg HostSystemTime", "RestoreAttestation ", "ProgressMsg 14"})
      EXPECT_TRUE(host.HeardOf(line)) << line;
  }
}

TEST(Story, CurrentHostRestoresAnOldPhone) {
  RestoreModePhone bench("iPhone10,1", OldFirmware());
  ScriptedHost host(bench, OldFirmware(), Kind::kCurrent);
  const auto status = host.Run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Number("Status"), 0U) << bench.phone->State().last_error.detail;
  EXPECT_TRUE(host.HeardOf("DataRequestMsg SystemImageData"));
  EXPECT_TRUE(host.HeardOf("DataRequestMsg SystemImageRootHash"));
  EXPECT_TRUE(host.HeardOf("CheckpointMsg asr_and_invert_image completed"));
}

TEST(Story, EveryCheckpointThatBeginsIsCompleted) {
  RestoreModePhone bench("iPhone13,2", NewFirmware());
  ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
  ASSERT_TRUE(host.Run());
  std::map<std::uint64_t, int> open;
  for (const Value& message : host.Messages())
    if (message.Text("MsgType") == "CheckpointMsg") {
      EXPECT_EQ(message.Number("CHECKPOINT_RESULT"), 0U);
      open[*message.Number("CHECKPOINT_ID")] += message.Flag("CHECKPOINT_COMPLETE") ? -1 : 1;
    }
  EXPECT_GT(open.size(), 40U);
  for (const auto& [id, count] : open) EXPECT_EQ(count, id == 0x648 ? 1 : 0) << id;
}

TEST(Story, UpdateKeepsUserData) {
  for (const Setting& setting : {Setting{Kind::kOld, ""}, Setting{Kind::kCurrent, ""}}) {
    TestFirmware firmware = setting.Firmware();
    firmware.behaviour = "Update";
    RestoreModePhone bench(setting.Product(), firmware);
    ScriptedHost host(bench, firmware, setting.kind);
    const auto status = host.Run();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->Number("Status"), 0U) << bench.phone->State().last_error.detail;
    EXPECT_TRUE(bench.phone->State().user_data_present);
    EXPECT_EQ(bench.phone->State().effaceable_generation, 1U);
  }
}

TEST(Story, EmptyBatteryIsChargedFirst) {
  RestoreModePhone bench("iPhone10,1", OldFirmware(), "battery: 3");
  ScriptedHost host(bench, OldFirmware(), Kind::kOld);
  const auto status = host.Run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Number("Status"), 0U) << bench.phone->State().last_error.detail;
  EXPECT_TRUE(host.HeardOf("ProgressMsg 39"));
  EXPECT_EQ(bench.phone->State().battery, 5);
}

TEST(Story, EmptyBatteryWithoutAChargerEndsTheRestoreUntouched) {
  RestoreModePhone bench("iPhone10,1", OldFirmware(), "battery: 3, charging: false");
  ScriptedHost host(bench, OldFirmware(), Kind::kOld);
  const auto status = host.Run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Number("Status"), 14U);
  EXPECT_EQ(bench.phone->State().last_error.reason, Reason::kBattery);
  EXPECT_TRUE(bench.phone->State().user_data_present);
  EXPECT_TRUE(bench.phone->State().os_complete);
}

TEST(Story, HostTimeMayStayUnanswered) {
  RestoreModePhone bench("iPhone13,2", NewFirmware());
  ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
  host.unanswered = {"HostSystemTime"};
  EXPECT_EQ(host.Run().value_or(Value()).Number("Status"), 0U);
}

// --- hosts that do one thing wrong ---

Bytes* DataAt(Value& answer, const char* key) {
  Value* found = answer.Find(key);
  return found == nullptr ? nullptr : const_cast<Bytes*>(found->AsBytes());
}

// Turns the last byte of the payload inside an IMG4: the digest does not fit any more.
void Damage(Bytes& bytes) { bytes[bytes.size() / 8] ^= 0x01U; }

struct Wrong {
  const char* name;
  Kind kind;
  const char* cart;
  void (*spoil)(ScriptedHost& host);
  std::uint64_t status;
  const char* error;
  bool erased;  // whether it was noticed too late for the user's data
};
void PrintTo(const Wrong& row, std::ostream* out) { *out << row.name; }

class WrongHost : public testing::TestWithParam<Wrong> {};

TEST_P(WrongHost, IsRefusedAndThePhoneSaysNothingAfterIt) {
  const Wrong& row = GetParam();
  const Setting setting{row.kind, row.cart};
  RestoreModePhone bench(setting.Product(), setting.Firmware(), row.cart);
  ScriptedHost host(bench, setting.Firmware(), row.kind);
  row.spoil(host);
  const auto status = host.Run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Number("Status"), row.status);
  EXPECT_EQ(status->Number("AMRError"), row.status);
  EXPECT_NE(status->Text("Log"), "");
  EXPECT_EQ(bench.LastError(), row.error) << bench.phone->State().last_error.detail;
  EXPECT_EQ(bench.NextEvent(), Event::kRestoreFailed);
  PhoneState state = bench.phone->State();
  EXPECT_EQ(state.user_data_present, !row.erased);
  EXPECT_EQ(state.os_build, "18H17");
  state.nvram["auto-boot"] = "true";
  EXPECT_EQ(state.WhatBoots(), row.erased ? Stage::kIboot : Stage::kNormal);
}

constexpr Kind kOld = Kind::kOld;
constexpr Kind kCurrent = Kind::kCurrent;

INSTANTIATE_TEST_SUITE_P(
    Table, WrongHost,
    testing::Values(
        Wrong{"OtherRootTicket", kOld, "",
              [](ScriptedHost& h) {
                h.spoil["RootTicket"] = [](Value& a) { Damage(*DataAt(a, "RootTicketData")); };
              },
              14, "refused_root_ticket", false},
        Wrong{"NoRootTicket", kOld, "",
              [](ScriptedHost& h) {
                h.spoil["RootTicket"] = [](Value& a) { a.Erase("RootTicketData"); };
              },
              14, "refused_root_ticket", false},
        Wrong{"DamagedLlb", kOld, "",
              [](ScriptedHost& h) {
                h.spoil["NORData"] = [](Value& a) { Damage(*DataAt(a, "LlbImageData")); };
              },
              51, "refused_digest", false},
        Wrong{
            "NoSep", kOld, "",
            [](ScriptedHost& h) { h.spoil["NORData"] = [](Value& a) { a.Erase("SEPImageData"); }; },
            51, "refused_answer_missing", false},
        Wrong{"NorWithoutIboot", kOld, "",
              [](ScriptedHost& h) {
                h.spoil["NORData"] = [](Value& a) {
                  a.Find("NorImageData")
                      ->AsArray()
                      ->erase(a.Find("NorImageData")->AsArray()->begin());
                };
              },
              51, "refused_nor_data", false},
        Wrong{"NorListWithoutNames", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["NORData"] = [](Value& a) { a.Set("NorImageData", Value::Array{}); };
              },
              51, "refused_nor_data", false},
        Wrong{"NorNamesSwapped", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["NORData"] = [](Value& a) {
                  Value& list = *a.Find("NorImageData");
                  std::swap(*list.Find("AppleLogo"), *list.Find("RecoveryMode"));
                };
              },
              51, "refused_nor_data", false},
        Wrong{"NoProxyForFactoryData", kOld, "fdr_needed: true",
              [](ScriptedHost& h) { h.proxy = false; }, 53, "refused_fdr", true},
        Wrong{"ProxyLeadsNowhere", kCurrent, "fdr_needed: true",
              [](ScriptedHost& h) { h.carries = false; }, 53, "refused_fdr", true},
        Wrong{
            "DamagedImage", kOld, "",
            [](ScriptedHost& h) { h.spoil_image.bytes = [](Bytes& b) { b[b.size() / 5] ^= 1U; }; },
            kMinusOne, "refused_image_digest", true},
        Wrong{
            "ShortImage", kCurrent, "",
            [](ScriptedHost& h) { h.spoil_image.bytes = [](Bytes& b) { b.resize(b.size() - 1); }; },
            14, "refused_asr_short", true},
        Wrong{"DamagedKernel", kOld, "",
              [](ScriptedHost& h) {
                h.spoil["KernelCache"] = [](Value& a) { Damage(*DataAt(a, "KernelCacheFile")); };
              },
              kMinusOne, "refused_digest", true},
        Wrong{"DeviceTreeInsteadOfKernel", kOld, "",
              [](ScriptedHost& h) {
                h.spoil["KernelCache"] = [](Value& a) { a.Set("KernelCacheFile", Bytes(10)); };
              },
              14, "refused_malformed", true},
        Wrong{"DamagedRootHash", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["SystemImageRootHash"] = [](Value& a) {
                  Damage(*DataAt(a, "SystemImageRootHashFile"));
                };
              },
              27, "refused_digest", true},
        Wrong{"NoCanonicalMetadata", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["SystemImageCanonicalMetadata"] = [](Value& a) { a = Value(); };
              },
              27, "refused_answer_missing", true},
        Wrong{"DamagedCryptex", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil_file["Cryptex1,AppOS"] = [](Bytes& b) { b.back() ^= 1U; };
              },
              100, "refused_digest", true},
        Wrong{"ImageKeyNotFetched", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["URLAsset"] = [](Value& a) { a.Set("ResponseStatus", 404); };
              },
              14, "refused_asset_key", true},
        Wrong{"DamagedTrustCache", kCurrent, "",
              [](ScriptedHost& h) { h.spoil_file["StaticTrustCache"] = Damage; }, kMinusOne,
              "refused_digest", true},
        Wrong{
            "FudImageMissing", kOld, "ask_fud: true",
            [](ScriptedHost& h) { h.spoil["FUDData"] = [](Value& a) { a.Erase("FUDImageData"); }; },
            14, "refused_answer_missing", true},
        Wrong{"FudWithoutItsName", kCurrent, "",
              [](ScriptedHost& h) { h.spoil["FUDData"] = [](Value& a) { a.Erase("ImageName"); }; },
              14, "refused_fud", true},
        Wrong{"DamagedPersonalizedData", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["PersonalizedData"] = [](Value& a) {
                  if (Bytes* image = DataAt(a, "ImageData")) Damage(*image);
                };
              },
              kMinusOne, "refused_digest", true},
        Wrong{"IdentityOfAnotherBoard", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["BuildIdentityDict"] = [](Value& a) {
                  a.Find("BuildIdentityDict")->Find("Info")->Set("DeviceClass", "d53pap");
                };
              },
              14, "refused_board", true},
        Wrong{"ReceiptWithoutAComponent", kCurrent, "",
              [](ScriptedHost& h) {
                h.spoil["ReceiptManifest"] = [](Value& a) {
                  a.Find("ReceiptManifest")->Erase("LLB");
                };
              },
              14, "refused_answer_missing", true},
        Wrong{"HostTimeIsNoTime", kCurrent, "",
              [](ScriptedHost& h) { h.spoil["HostSystemTime"] = [](Value& a) { a = Value(); }; },
              14, "refused_answer_missing", true}),
    [](const auto& row) { return row.param.name; });

// --- hosts that are too old ---

struct TooOld {
  const char* name;
  void (*take_away)(Value& options);
};
void PrintTo(const TooOld& row, std::ostream* out) { *out << row.name; }

class UnsupportedHost : public testing::TestWithParam<TooOld> {};

TEST_P(UnsupportedHost, IsRefusedBeforeAnythingIsTouched) {
  RestoreModePhone bench("iPhone13,2", NewFirmware());
  ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
  GetParam().take_away(host.options);
  const auto status = host.Run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Number("Status"), 10U);
  EXPECT_EQ(bench.LastError(), "refused_host");
  for (const std::string& line : host.Heard())
    EXPECT_FALSE(line.starts_with("DataRequest")) << line;
  EXPECT_TRUE(bench.phone->State().user_data_present);
  EXPECT_TRUE(bench.phone->State().os_complete);
}

INSTANTIATE_TEST_SUITE_P(
    Table, UnsupportedHost,
    testing::Values(
        TooOld{"Everything", [](Value& o) { o = Value(); }},
        TooOld{"Asynchronous",
               [](Value& o) { o.Find("SupportedMessageTypes")->Erase("AsyncWait"); }},
        TooOld{"UrlAsset", [](Value& o) { o.Find("SupportedAsyncDataTypes")->Erase("URLAsset"); }},
        TooOld{"RootHash",
               [](Value& o) { o.Find("SupportedDataTypes")->Erase("SystemImageRootHash"); }},
        TooOld{"BootObjects",
               [](Value& o) { o.Find("SupportedDataTypes")->Erase("SourceBootObjectV4"); }}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace rack
