#include "station/firmware/build_manifest.h"
#include "station/image4/personalise.h"
#include "station/image4/ticket.h"
#include "station/plist/plist.h"
#include "tests/real_data/real_data.h"

namespace station {
namespace {

using real_data::Bytes;

TEST(RealTickets, ParseAndTheirSignaturesHold) {
  SKIP_WITHOUT_REAL_DATA();
  int seen = 0;
  for (const auto& file : std::filesystem::directory_iterator(real_data::Folder() / "tickets")) {
    const auto answer = plist::Plist::Parse(Bytes(std::filesystem::path("tickets") / file.path().filename()));
    ASSERT_TRUE(answer) << file.path();
    const auto bytes = (*answer)["ApImg4Ticket"].Data();
    ASSERT_TRUE(bytes) << file.path();
    const auto ticket = image4::Ticket::Parse({bytes->begin(), bytes->end()});
    ASSERT_TRUE(ticket) << file.path() << ": " << ticket.error().context;
    EXPECT_TRUE(ticket->Number("ECID")) << file.path();
    EXPECT_TRUE(ticket->Covers("ibec")) << file.path();
    EXPECT_EQ(ticket->SignerRoot().find("Rack"), std::string::npos);
    ++seen;
    std::vector<std::uint8_t> altered(bytes->begin(), bytes->end());
    altered[altered.size() / 3] ^= 1;
    EXPECT_FALSE(image4::Ticket::Parse(altered)) << "an altered ticket passed: " << file.path();
  }
  EXPECT_GE(seen, 4);
}

struct RealPayload {
  const char* file;
  const char* component;
};

TEST(RealPayloads, HaveTheDigestsTheirManifestStates) {
  SKIP_WITHOUT_REAL_DATA();
  const auto manifest = firmware::BuildManifest::Parse(Bytes("manifests/BuildManifest_iPhone10,3_10,6_11.2_15C114.plist"));
  ASSERT_TRUE(manifest) << manifest.error().context;
  const auto identity = manifest->Choose("d22ap", 0x8015, 0x06, Action::kErase);
  ASSERT_TRUE(identity) << identity.error().context;
  for (const RealPayload& row : {RealPayload{"DeviceTree.d22ap.im4p", "DeviceTree"}, RealPayload{"DeviceTree.d22ap.im4p", "RestoreDeviceTree"},
                                 RealPayload{"applelogo@3x~iphone.im4p", "AppleLogo"}, RealPayload{"applelogo@3x~iphone.im4p", "RestoreLogo"},
                                 RealPayload{"batteryfull@3x~iphone.im4p", "BatteryFull"}}) {
    const auto payload = Bytes(std::string("img4/iPhone10,3_11.2_") + row.file);
    const auto component = identity->Find(row.component);
    ASSERT_TRUE(component) << row.component;
    const auto wanted = component->Digest();
    ASSERT_TRUE(wanted) << row.component;
    const auto digest = image4::PayloadDigest(payload, image4::PatchedType(row.component), wanted->size());
    ASSERT_TRUE(digest) << row.component << ": " << digest.error().context;
    EXPECT_TRUE(std::ranges::equal(*digest, *wanted)) << row.component;
  }
  EXPECT_FALSE(image4::ReadPayloadHead(Bytes("img4/SSHRD_bootlogo.im4p"))) << "not DER at all";
}

TEST(RealPayloads, BareTicketParses) {
  SKIP_WITHOUT_REAL_DATA();
  const auto ticket = image4::Ticket::Parse(Bytes("img4/pyimg4_IM4M"));
  EXPECT_TRUE(ticket) << (ticket ? "" : ticket.error().context);
}

}  // namespace
}  // namespace station
