// Requests against golden files written from the reference's tables: every key, every type, nothing
// more.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "station/base/fd.h"
#include "station/signing/baseband_request.h"
#include "station/signing/peripheral_chips.h"
#include "station/signing/peripheral_request.h"
#include "station/signing/ticket_request.h"

namespace station::signing {
namespace {

using plist::Plist;
using plist::View;

Plist Golden(const std::string& name) {
  const auto text = ReadFile(std::filesystem::path(GOLDEN) / name);
  EXPECT_TRUE(text) << name;
  auto parsed = Plist::Parse(std::string_view(text.value_or("")));
  EXPECT_TRUE(parsed) << name;
  return parsed ? std::move(*parsed) : Plist::Dict();
}

// Where two property lists differ, one line per difference.
void Compare(const std::string& where, View ours, View golden, std::string& out) {
  if (ours.IsDict() && golden.IsDict()) {
    golden.ForEach([&](const std::string& key, View value) {
      if (!ours[key].Present())
        out += where + "/" + key + " is missing\n";
      else
        Compare(where + "/" + key, ours[key], value, out);
    });
    ours.ForEach([&](const std::string& key, View) {
      if (!golden[key].Present()) out += where + "/" + key + " is too much\n";
    });
    return;
  }
  const bool same =
      (ours.IsBool() && ours.Bool() == golden.Bool()) ||
      (ours.IsInteger() && ours.Integer() == golden.Integer()) ||
      (ours.IsString() && ours.String() == golden.String()) ||
      (ours.IsData() && golden.IsData() && std::ranges::equal(*ours.Data(), *golden.Data()));
  if (!same) out += where + " has another value or type\n";
}

std::string Differences(View ours, View golden) {
  std::string out;
  Compare("", ours, golden, out);
  return out;
}

PhoneIdentity APhone() {
  return {Ecid{0x1234}, 0x8101, 0x0C, std::vector<std::uint8_t>(32, 7),
          std::vector<std::uint8_t>(20, 8)};
}

std::vector<std::string> Cases() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(GOLDEN)) {
    const std::string name = file.path().filename().string();
    if (const auto end = name.find(".case.plist"); end != std::string::npos)
      names.push_back(name.substr(0, end));
  }
  std::ranges::sort(names);
  return names;
}

class PeripheralGolden : public testing::TestWithParam<std::string> {};
TEST_P(PeripheralGolden, IsAskedForAsTheReferenceSays) {
  const Plist node = Golden("identity.plist");
  const Plist row = Golden(GetParam() + ".case.plist");
  const PeripheralInput input{firmware::Identity(node.Get()), row["Info"], row["Generated"],
                              row["Tags"]};
  const auto asked = BuildPeripheralRequest(*row["Updater"].String(), input);
  ASSERT_TRUE(asked) << asked.error().context;
  EXPECT_EQ(Differences(asked->request.Get(), row["Request"]), "");
  EXPECT_EQ(asked->component, row["Component"].String());
  for (std::size_t i = 0; i < row["Tickets"].Size(); ++i)
    EXPECT_THAT(asked->tickets, testing::Contains(*row["Tickets"].At(i).String()));
}
INSTANTIATE_TEST_SUITE_P(Chips, PeripheralGolden, testing::ValuesIn(Cases()),
                         [](const auto& row) { return row.param; });

TEST(PeripheralRequest, EveryChipOfTheTableHasAGoldenCase) {
  std::set<std::string> covered;
  for (const std::string& name : Cases()) {
    const Plist row = Golden(name + ".case.plist");
    covered.insert(*row["Updater"].String());
    if (row["Info"]["YonkersDeviceInfo"].Present()) covered.insert("Yonkers");
  }
  for (const Chip& chip : Chips())
    EXPECT_TRUE(covered.contains(std::string(chip.name))) << chip.name;
}

TEST(ApRequest, InRecoveryMode_IsAsTheReferenceSays) {
  const Plist node = Golden("identity.plist");
  const auto request = BuildApRequest(firmware::Identity(node.Get()), APhone());
  ASSERT_TRUE(request) << request.error().context;
  EXPECT_EQ(Differences(request->Get(), Golden("ap_recovery.request.plist").Get()), "");
}

TEST(ApRequest, InNormalMode_SignsForBasebandAndSimTogether) {
  const Plist node = Golden("identity.plist");
  PhoneIdentity phone = APhone();
  phone.preflight = Golden("preflight.plist");
  const auto request = BuildApRequest(firmware::Identity(node.Get()), phone);
  ASSERT_TRUE(request) << request.error().context;
  EXPECT_EQ(Differences(request->Get(), Golden("ap_normal.request.plist").Get()), "");
}

TEST(ApRequest, TakesModesThePhoneStatesItself) {
  const Plist node = Golden("identity.plist");
  PhoneIdentity phone = APhone();
  phone.uid_mode = true;
  phone.sika_fuse = 3;
  const auto request = BuildApRequest(firmware::Identity(node.Get()), phone);
  ASSERT_TRUE(request);
  EXPECT_EQ((*request)["UID_MODE"].Bool(), true);
  EXPECT_EQ((*request)["Ap,SikaFuse"].Integer(), 3U);
}

TEST(BasebandRequest, IsAsTheReferenceSays_InBothRounds) {
  const Plist node = Golden("identity.plist");
  const std::vector<std::uint8_t> serial(4, 111);
  const std::vector<std::uint8_t> nonce(20, 110);
  const auto first =
      BuildBasebandRequest(firmware::Identity(node.Get()), Ecid{0x1234}, {0x0E50E1, 9, serial, {}});
  ASSERT_TRUE(first) << first.error().context;
  EXPECT_EQ(Differences(first->Get(), Golden("baseband_first_round.request.plist").Get()), "");
  const auto second = BuildBasebandRequest(firmware::Identity(node.Get()), Ecid{0x1234},
                                           {0x0E50E1, 9, serial, nonce});
  ASSERT_TRUE(second);
  EXPECT_EQ(Differences(second->Get(), Golden("baseband.request.plist").Get()), "");
  EXPECT_EQ(
      BuildBasebandRequest(firmware::Identity(node.Get()), Ecid{1}, {1, 1, {}, {}}).error().code,
      ErrorCode::kRestoreDialogue);
}

// Chip 0x68 has two boot loaders; three certificates run the first (5.5).
TEST(BasebandRequest, TwoLoaderChipSignsTheOneItRuns) {
  Plist node = Golden("identity.plist");
  node.Set("BbChipID", Plist::String("0x68"));
  const std::vector<std::uint8_t> serial(4, 1);
  for (const auto& [certificate, first] : {std::pair<std::uint64_t, bool>{0x26F3FACC, true},
                                           {0x5CF2EC4E, true},
                                           {0x8399785A, true},
                                           {1, false}}) {
    const auto request = BuildBasebandRequest(firmware::Identity(node.Get()), Ecid{1},
                                              {0x68, certificate, serial, {}});
    ASSERT_TRUE(request);
    const View firmware = (*request)["BasebandFirmware"];
    EXPECT_EQ(firmware["PSI-PartialDigest"].Present(), first);
    EXPECT_EQ(firmware["RestorePSI-PartialDigest"].Present(), first);
    EXPECT_EQ(firmware["PSI2-PartialDigest"].Present(), !first);
    EXPECT_EQ(firmware["RestorePSI2-PartialDigest"].Present(), !first);
    EXPECT_TRUE(firmware["Misc-PartialDigest"].Present());
  }
}

struct Refusal {
  const char* name;
  const char* updater;
  const char* info;
  ErrorCode code;
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }
class PeripheralRefused : public testing::TestWithParam<Refusal> {};
TEST_P(PeripheralRefused, SaysWhy) {
  const Plist node = Golden("identity.plist");
  const auto info = Plist::Parse(std::string_view(GetParam().info));
  ASSERT_TRUE(info);
  const auto asked = BuildPeripheralRequest(GetParam().updater,
                                            {firmware::Identity(node.Get()), info->Get(), {}, {}});
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, GetParam().code) << asked.error().context;
}
INSTANTIATE_TEST_SUITE_P(
    Signing, PeripheralRefused,
    testing::Values(
        Refusal{"unknown_without_request", "Xyz", "<plist><dict/></plist>",
                ErrorCode::kUpdaterUnsupported},
        Refusal{"se_without_nonce", "SE",
                "<plist><dict><key>SE,ChipID</key><integer>210</integer></dict></plist>",
                ErrorCode::kRestoreDialogue},
        Refusal{"yonkers_of_unknown_revision", "Savage",
                "<plist><dict><key>YonkersDeviceInfo</key><dict><key>Yonkers,FabRevision</"
                "key><integer>1</integer></dict></dict></plist>",
                ErrorCode::kFirmwareMemberMissing},
        Refusal{"savage_patch_not_in_manifest", "Savage",
                "<plist><dict><key>Savage,ProductionMode</key><false/><key>Savage,Revision</"
                "key><data>MA==</data></dict></plist>",
                ErrorCode::kFirmwareMemberMissing},
        Refusal{"retimer_without_array", "AppleTypeCRetimer", "<plist><dict/></plist>",
                ErrorCode::kRestoreDialogue},
        Refusal{"cryptex_without_request", "Cryptex1", "<plist><dict/></plist>",
                ErrorCode::kRestoreDialogue}),
    [](const auto& row) { return row.param.name; });

TEST(PeripheralAnswer, MustHoldTheTicket) {
  const Plist node = Golden("identity.plist");
  const Plist row = Golden("se_generated.case.plist");
  const auto asked = BuildPeripheralRequest(
      "SE", {firmware::Identity(node.Get()), row["Info"], row["Generated"], row["Tags"]});
  ASSERT_TRUE(asked);
  Plist answer = Plist::Dict();
  EXPECT_EQ(CheckPeripheralAnswer(answer.Get(), *asked).error().code, ErrorCode::kSigningBadAnswer);
  answer.Set("SE2,Ticket", Plist::String("no ticket"));
  EXPECT_FALSE(CheckPeripheralAnswer(answer.Get(), *asked));
  answer.Set("SE2,Ticket", Plist::Data(std::vector<std::uint8_t>{1}));
  EXPECT_TRUE(CheckPeripheralAnswer(answer.Get(), *asked));
}

}  // namespace
}  // namespace station::signing
