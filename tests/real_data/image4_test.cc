#include <algorithm>

#include "station/firmware/build_manifest.h"
#include "station/image4/der_writer.h"
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
    const auto answer =
        plist::Plist::Parse(Bytes(std::filesystem::path("tickets") / file.path().filename()));
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

// Every element written again from what was read of it: what reading would lose or tolerate shows
// here.
std::vector<std::uint8_t> WrittenAgain(image4::Bytes bytes) {
  std::vector<std::uint8_t> out;
  image4::DerReader reader(bytes);
  while (!reader.AtEnd()) {
    const auto element = reader.Next();
    EXPECT_TRUE(element) << element.error().context;
    if (!element) return out;
    const std::vector<std::uint8_t> content =
        element->constructed ? WrittenAgain(element->content)
                             : std::vector(element->content.begin(), element->content.end());
    const auto header = image4::DerTaggedHeader(element->tag_class, element->constructed,
                                                element->number, content.size());
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), content.begin(), content.end());
  }
  return out;
}

TEST(RealTickets, AreWrittenAgainByteForByte) {
  SKIP_WITHOUT_REAL_DATA();
  int seen = 0;
  for (const auto& file : std::filesystem::directory_iterator(real_data::Folder() / "tickets")) {
    const auto answer =
        plist::Plist::Parse(Bytes(std::filesystem::path("tickets") / file.path().filename()));
    ASSERT_TRUE(answer) << file.path();
    const auto bytes = (*answer)["ApImg4Ticket"].Data();
    ASSERT_TRUE(bytes) << file.path();
    EXPECT_TRUE(std::ranges::equal(WrittenAgain(*bytes), *bytes)) << file.path();
    ++seen;
  }
  EXPECT_GE(seen, 4);
}

TEST(RealPayloads, AreWrittenAgainByteForByte_AlsoInPieces) {
  SKIP_WITHOUT_REAL_DATA();
  int seen = 0;
  for (const auto& file : std::filesystem::directory_iterator(real_data::Folder() / "img4")) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with("iPhone")) continue;
    const auto payload = Bytes(std::filesystem::path("img4") / name);
    EXPECT_EQ(WrittenAgain(payload), payload) << name;
    std::vector<std::uint8_t> streamed;
    image4::PayloadStream stream(payload.size(), std::nullopt, [&](image4::Bytes piece) -> Status {
      streamed.insert(streamed.end(), piece.begin(), piece.end());
      return {};
    });
    for (std::size_t at = 0; at < payload.size(); at += 1000)
      ASSERT_TRUE(stream.Feed(
          std::span(payload).subspan(at, std::min<std::size_t>(1000, payload.size() - at))))
          << name;
    ASSERT_TRUE(stream.Finish()) << name;
    EXPECT_EQ(streamed, payload) << name;
    ++seen;
  }
  EXPECT_GE(seen, 7);
}

struct RealPayload {
  const char* file;
  const char* component;
};

TEST(RealPayloads, HaveTheDigestsTheirManifestStates) {
  SKIP_WITHOUT_REAL_DATA();
  const auto manifest = firmware::BuildManifest::Parse(
      Bytes("manifests/BuildManifest_iPhone10,3_10,6_11.2_15C114.plist"));
  ASSERT_TRUE(manifest) << manifest.error().context;
  const auto identity = manifest->Choose("d22ap", 0x8015, 0x06, Action::kErase);
  ASSERT_TRUE(identity) << identity.error().context;
  for (const RealPayload& row : {RealPayload{"DeviceTree.d22ap.im4p", "DeviceTree"},
                                 RealPayload{"DeviceTree.d22ap.im4p", "RestoreDeviceTree"},
                                 RealPayload{"applelogo@3x~iphone.im4p", "AppleLogo"},
                                 RealPayload{"applelogo@3x~iphone.im4p", "RestoreLogo"},
                                 RealPayload{"batteryfull@3x~iphone.im4p", "BatteryFull"}}) {
    const auto payload = Bytes(std::string("img4/iPhone10,3_11.2_") + row.file);
    const auto component = identity->Find(row.component);
    ASSERT_TRUE(component) << row.component;
    const auto wanted = component->Digest();
    ASSERT_TRUE(wanted) << row.component;
    const auto digest =
        image4::PayloadDigest(payload, image4::PatchedType(row.component), wanted->size());
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
