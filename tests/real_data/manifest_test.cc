#include <gmock/gmock.h>

#include <set>

#include "station/firmware/build_manifest.h"
#include "station/firmware/inspection.h"
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

}  // namespace
}  // namespace station
