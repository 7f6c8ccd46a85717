// The rack's own readers on real bytes. Skipped, visibly, where the data folder is absent.

#include <gtest/gtest.h>

#include <filesystem>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/payload.h"
#include "tests/rack/image4/ticket.h"
#include "tests/rack/image4/verify.h"
#include "tests/rack/test/keys.h"

namespace rack {
namespace {

const std::filesystem::path kData = std::filesystem::path(RACK_SOURCE_DIR) / "../../../shared/data";

class RealData : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kData)) GTEST_SKIP() << "no real data beside the repository";
  }
  static Bytes Read(const std::filesystem::path& path) {
    const auto text = station::ReadFile(kData / path);
    return text ? Bytes(text->begin(), text->end()) : Bytes();
  }
  static Value ReadPlist(const std::filesystem::path& path) {
    return Value::Parse(Read(path)).value_or(Value());
  }
};

TEST_F(RealData, TicketsAreReadWhole) {
  for (const char* name : {"SSHRD_0x8010.shsh", "SSHRD_0x8015.shsh"}) {
    const Value answer = ReadPlist(std::filesystem::path("tickets") / name);
    const Bytes* bytes = answer.Data("ApImg4Ticket");
    ASSERT_NE(bytes, nullptr) << name;
    const auto ticket = ReadTicket(*bytes);
    ASSERT_TRUE(ticket) << name;
    EXPECT_EQ(ticket->signature.size(), 512U) << name;
    EXPECT_EQ(ticket->certificates.size(), 1U) << name;
    EXPECT_EQ(ticket->identity.Number("SDOM"), 1U) << name;
    EXPECT_EQ(ticket->identity.Octets("BNCH")->size(), 32U) << name;
    EXPECT_EQ(ticket->components.at("rosi").Octets("DGST")->size(), 48U) << name;
  }
}

// Written again from what was read, a real ticket's signed part comes out byte for byte: our writer
// encodes as Apple's.
TEST_F(RealData, WriterEncodesAsRealTicketsAreEncoded) {
  const Value answer = ReadPlist("tickets/SSHRD_0x8015.shsh");
  const Bytes* bytes = answer.Data("ApImg4Ticket");
  ASSERT_NE(bytes, nullptr);
  const auto ticket = ReadTicket(*bytes);
  ASSERT_TRUE(ticket);
  std::map<std::string, Bytes> identity;
  for (const char* name : {"BORD", "CEPO", "CHIP", "ECID", "SDOM"})
    identity[name] = der::Number(*ticket->identity.Number(name));
  for (const char* name : {"CPRO", "CSEC"})
    identity[name] = der::Flag(*ticket->identity.Flag(name));
  for (const char* name : {"BNCH", "pcrp", "snon", "srvn"})
    identity[name] = der::Octets(*ticket->identity.Octets(name));
  std::map<std::string, Bytes> components;
  for (const auto& [name, component] : ticket->components)
    components[name] = WriteKeyedSet(name, {{"DGST", der::Octets(*component.Octets("DGST"))},
                                            {"EKEY", der::Flag(*component.Flag("EKEY"))},
                                            {"EPRO", der::Flag(*component.Flag("EPRO"))},
                                            {"ESEC", der::Flag(*component.Flag("ESEC"))}});
  const Bytes body = WriteManifestBody(WriteKeyedSet("MANP", identity), components);
  EXPECT_EQ(station::ToHex(body),
            station::ToHex(ticket->signed_part.data(), ticket->signed_part.size()));
}

TEST_F(RealData, ForeignTicketIsRefusedByItsChain) {
  const Value answer = ReadPlist("tickets/SSHRD_0x8015.shsh");
  const Bytes* bytes = answer.Data("ApImg4Ticket");
  ASSERT_NE(bytes, nullptr);
  const ChipIdentity chip{0x8015, 0x06, 1, 1, 1, Bytes(32), Bytes(20)};
  const auto ticket = Verifier(TestRoot(), chip).CheckTicket(*bytes);
  ASSERT_FALSE(ticket);
  EXPECT_EQ(ticket.error().reason, Reason::kChain);
}

TEST_F(RealData, PatchedPayloadsHaveTheManifestsDigests) {
  const Value manifest = ReadPlist("manifests/BuildManifest_iPhone10,3_10,6_11.2_15C114.plist");
  const Value* identities = manifest.Find("BuildIdentities");
  ASSERT_NE(identities, nullptr);
  const auto digest_of = [&](const std::string& component) -> const Bytes* {
    for (const Value& identity : *identities->AsArray())
      if (identity.Find("Info")->Text("DeviceClass") == "d22ap")
        return identity.Find("Manifest")->Find(component)->Data("Digest");
    return nullptr;
  };
  struct Row {
    const char* file;
    const char* component;
    const char* type;
  };
  for (const Row& row : {Row{"iPhone10,3_11.2_DeviceTree.d22ap.im4p", "DeviceTree", "dtre"},
                         Row{"iPhone10,3_11.2_DeviceTree.d22ap.im4p", "RestoreDeviceTree", "rdtr"},
                         Row{"iPhone10,3_11.2_applelogo@3x~iphone.im4p", "AppleLogo", "logo"},
                         Row{"iPhone10,3_11.2_applelogo@3x~iphone.im4p", "RestoreLogo", "rlgo"}}) {
    Bytes bytes = Read(std::filesystem::path("img4") / row.file);
    ASSERT_TRUE(PatchType(bytes, row.type)) << row.file;
    const Bytes* digest = digest_of(row.component);
    ASSERT_NE(digest, nullptr) << row.component;
    EXPECT_EQ(Hash(HashKind::kSha384, bytes), *digest) << row.component;
  }
  EXPECT_FALSE(ReadPayload(Read("img4/SSHRD_bootlogo.im4p")));  // no DER at all
}

TEST_F(RealData, HostilePropertyListsEndInAnAnswer) {
  int read = 0;
  for (const auto& file : std::filesystem::directory_iterator(kData / "plist-edge")) {
    (void)Value::Parse(Read(file.path()));
    ++read;
  }
  EXPECT_GT(read, 20);
}

}  // namespace
}  // namespace rack
