#include <algorithm>
#include <map>

#include <gmock/gmock.h>

#include <set>

#include "station/firmware/build_manifest.h"
#include "station/firmware/inspection.h"
#include "station/signing/baseband_request.h"
#include "station/signing/local_manifest.h"
#include "station/signing/peripheral_request.h"
#include "station/signing/ticket_request.h"
#include "tests/real_data/real_data.h"

namespace station {
namespace {

TEST(RealManifests, EveryRetailIdentityIsFoundAndCanBeSignedFor) {
  SKIP_WITHOUT_REAL_DATA();
  int identities = 0;
  for (const auto& file : std::filesystem::directory_iterator(real_data::Folder() / "manifests")) {
    if (!file.path().filename().string().starts_with("BuildManifest")) continue;
    const auto manifest = firmware::BuildManifest::Parse(
        real_data::Bytes(std::filesystem::path("manifests") / file.path().filename()));
    ASSERT_TRUE(manifest) << file.path() << ": " << manifest.error().context;
    for (const firmware::Identity& identity : manifest->Identities()) {
      if (identity.Variant().find("Research") != std::string::npos) continue;
      const Action action = identity.Behaviour() == "Update" ? Action::kUpdate : Action::kErase;
      const auto chip = static_cast<std::uint32_t>(*identity.ChipId());
      const auto board = static_cast<std::uint32_t>(*identity.BoardId());
      const auto chosen = manifest->Choose(identity.Board(), chip, board, action);
      ASSERT_TRUE(chosen) << chosen.error().context;
      EXPECT_EQ(chosen->Variant(), identity.Variant());
      const auto request = signing::BuildApRequest(
          *chosen, {Ecid{1}, chip, board, std::vector<std::uint8_t>(32, 1), {}});
      ASSERT_TRUE(request) << request.error().context;
      EXPECT_TRUE((*request)["iBEC"]["Digest"].IsData());
      EXPECT_TRUE((*request)["OS"]["Digest"].IsData());
      const auto inspection = firmware::Inspect(*manifest, identity.Board(), action, nullptr, 0);
      ASSERT_TRUE(inspection) << inspection.error().context;
      EXPECT_THAT(inspection->beyond, ::testing::IsEmpty()) << identity.Board();
      std::set<std::string> shown;
      for (const firmware::Part& part : inspection->parts) {
        shown.insert(part.component);
        EXPECT_NE(part.chapter, firmware::Chapter::kUnused)
            << identity.Board() << ": what is " << part.component << " for?";
        EXPECT_FALSE(part.signed_by.empty()) << part.component;
      }
      EXPECT_EQ(shown.size(), identity.Components().size());
      ++identities;
    }
  }
  EXPECT_GE(identities, 14);
}

// What a phone would say of a chip: enough for its request, in the types phones use.
plist::Plist ChipInfo(std::initializer_list<const char*> data,
                      std::initializer_list<const char*> flags,
                      std::initializer_list<std::pair<const char*, std::uint64_t>> numbers = {}) {
  plist::Plist info = plist::Plist::Dict();
  for (const char* key : data) info.Set(key, plist::Plist::Data(std::vector<std::uint8_t>(16, 1)));
  for (const char* key : flags) info.Set(key, plist::Plist::Bool(true));
  for (const auto& [key, number] : numbers) info.Set(key, plist::Plist::Integer(number));
  return info;
}

struct ChipRow {
  const char* updater;
  const char* needs;  // manifest entries that begin like this
  plist::Plist info;
  const char* ticket;
};

TEST(RealManifests, EveryChipOfEveryRetailIdentityCanBeSignedFor) {
  SKIP_WITHOUT_REAL_DATA();
  std::vector<ChipRow> chips;
  chips.push_back(
      {"SE", "SE,",
       ChipInfo({"SE,ID", "SE,Nonce", "SE,RootKeyIdentifier"}, {}, {{"SE,ChipID", 0x73}}),
       "SE,Ticket"});
  chips.push_back(
      {"Savage", "Savage,",
       ChipInfo({"Savage,UID", "Savage,Nonce"}, {"Savage,AllowOfflineBoot", "Savage,ReadFWKey",
                                                 "Savage,ReadECKey", "Savage,ProductionMode"}),
       "Savage,Ticket"});
  plist::Plist yonkers = plist::Plist::Dict();
  yonkers.Set("YonkersDeviceInfo",
              ChipInfo({"Yonkers,ECID", "Yonkers,Nonce"}, {"Yonkers,ProductionMode"},
                       {{"Yonkers,FabRevision", 59905}}));
  chips.push_back({"Savage", "Yonkers,", std::move(yonkers), "Yonkers,Ticket"});
  chips.push_back({"Rose", "Rap,",
                   ChipInfo({"Rap,Nonce"}, {"Rap,ProductionMode"}, {{"Rap,ECID", 7}}),
                   "Rap,Ticket"});
  chips.push_back({"T200", "BMU,",
                   ChipInfo({"Nonce"}, {"ProductionMode"}, {{"ChipID", 57601}, {"UniqueID", 9}}),
                   "BMU,Ticket"});
  chips.push_back(
      {"Vinyl", "eUICC,", ChipInfo({"eUICC,EID"}, {}, {{"eUICC,ChipID", 6}}), "eUICC,Ticket"});
  std::map<std::string, int> built;
  int basebands = 0;
  for (const auto& file : std::filesystem::directory_iterator(real_data::Folder() / "manifests")) {
    if (!file.path().filename().string().starts_with("BuildManifest")) continue;
    const auto manifest = firmware::BuildManifest::Parse(
        real_data::Bytes(std::filesystem::path("manifests") / file.path().filename()));
    ASSERT_TRUE(manifest) << file.path();
    for (const firmware::Identity& identity : manifest->Identities()) {
      if (identity.Variant().find("Research") != std::string::npos) continue;
      const auto has = [&](const std::string& prefix) {
        return std::ranges::any_of(identity.Components(), [&](const auto& component) {
          return component.Name().starts_with(prefix);
        });
      };
      for (const ChipRow& chip : chips) {
        if (!has(chip.needs)) continue;
        const auto asked =
            signing::BuildPeripheralRequest(chip.updater, {identity, chip.info.Get(), {}, {}});
        ASSERT_TRUE(asked) << identity.Board() << " " << chip.needs << ": "
                           << asked.error().context;
        EXPECT_EQ(asked->request[std::string("@") + chip.ticket].Bool(), true) << identity.Board();
        EXPECT_GT(asked->request.Get().Size(), 3U) << identity.Board() << " " << chip.needs;
        ++built[chip.needs];
      }
      if (!identity.Has("BasebandFirmware")) continue;
      const std::vector<std::uint8_t> serial(4, 1);
      const auto baseband = signing::BuildBasebandRequest(identity, Ecid{1}, {0x60, 1, serial, {}});
      ASSERT_TRUE(baseband) << identity.Board() << ": " << baseband.error().context;
      EXPECT_TRUE((*baseband)["BbProvisioningManifestKeyHash"].IsData());
      EXPECT_GT((*baseband)["BasebandFirmware"].Size(), 3U);
      ++basebands;
      const auto local = signing::BuildLocalManifest(identity);
      ASSERT_TRUE(local) << identity.Board() << ": " << local.error().context;
      EXPECT_GT(local->size(), 500U);
    }
  }
  for (const ChipRow& chip : chips) EXPECT_GE(built[chip.needs], 4) << chip.needs;
  EXPECT_GE(basebands, 14);
}

}  // namespace
}  // namespace station
