// The rack's own readers on real bytes. Skipped, visibly, where the data folder is absent.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/image4/certificates.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/payload.h"
#include "tests/rack/image4/restore_info.h"
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

struct RealTicket {
  const char* file;
  std::uint32_t chip;
};
constexpr RealTicket kTickets[] = {{"tickets/SSHRD_0x8960.shsh", 0x8960},
                                   {"tickets/SSHRD_0x8001.shsh", 0x8001},
                                   {"tickets/SSHRD_0x8010.shsh", 0x8010},
                                   {"tickets/SSHRD_0x8015.shsh", 0x8015}};

// The tickets of a file: the one at the top and those of other requests, by the path to them.
std::map<std::string, Bytes> TicketsIn(const Value& answers) {
  std::map<std::string, Bytes> found;
  if (const Bytes* ticket = answers.Data("ApImg4Ticket")) found.emplace("", *ticket);
  for (const char* name : {"updateInstall", "noNonce"}) {
    const Value* answer = answers.Find(name);
    const Bytes* ticket = answer == nullptr ? nullptr : answer->Data("ApImg4Ticket");
    if (ticket != nullptr) found.emplace(name, *ticket);
  }
  return found;
}

TEST_F(RealData, TicketsOfEachGenerationAreReadWhole) {
  for (const RealTicket& row : kTickets) {
    const Generation generation = GenerationOf(row.chip);
    const ChainShape& shape = ShapeOf(generation);
    const auto tickets = TicketsIn(ReadPlist(row.file));
    EXPECT_GE(tickets.size(), 2U) << row.file;
    for (const auto& [name, bytes] : tickets) {
      const auto ticket = ReadTicket(bytes);
      ASSERT_TRUE(ticket) << row.file << name;
      EXPECT_EQ(ticket->signature.size(), shape.SignatureSize()) << row.file << name;
      EXPECT_EQ(ticket->certificates.size(), shape.Length()) << row.file << name;
      EXPECT_EQ(ticket->identity.Number("CHIP"), row.chip) << row.file << name;
      EXPECT_EQ(ticket->identity.Octets("BNCH")->size(),
                name == "noNonce" ? 0 : generation.ap_nonce_size)
          << row.file << name;
      for (const auto& [type, component] : ticket->components)
        EXPECT_EQ(component.Octets("DGST")->size(), DigestSize(ComponentHash(type, generation)))
            << row.file << name << type;
    }
  }
}

// Each real ticket's certificates verify along their own chain, its signature fits, and the leaf
// says what it may sign, in the words the rack's own leaves use.
TEST_F(RealData, TicketsHoldAlongTheirOwnChain) {
  for (const RealTicket& row : kTickets) {
    const ChainShape& shape = ShapeOf(GenerationOf(row.chip));
    for (const auto& [name, bytes] : TicketsIn(ReadPlist(row.file))) {
      const auto ticket = ReadTicket(bytes);
      ASSERT_TRUE(ticket) << row.file << name;
      const auto leaf = CertificateFromDer(ticket->certificates.back());
      ASSERT_TRUE(leaf) << row.file << name;
      if (ticket->certificates.size() > 1) {
        const auto above = CertificateFromDer(ticket->certificates[0]);
        ASSERT_TRUE(above) << row.file << name;
        EXPECT_TRUE(IssuedBy(leaf.get(), above.get(), shape)) << row.file << name;
      }
      EXPECT_TRUE(SignatureHolds(leaf.get(), ticket->signed_part, ticket->signature, shape))
          << row.file << name;
      const auto extension = ConstraintsOf(leaf.get());
      ASSERT_TRUE(extension) << row.file << name;
      EXPECT_EQ(Bytes(extension->begin(), extension->end()), WriteLeafConstraints(row.chip));
      const auto constraints = LeafConstraints::Read(*extension);
      ASSERT_TRUE(constraints) << row.file << name;
      EXPECT_TRUE(constraints->AllowIdentity(ticket->identity)) << row.file << name;
      for (const auto& [type, component] : ticket->components)
        EXPECT_TRUE(constraints->AllowObject(component)) << row.file << name << type;
    }
  }
}

// The generator saved with a ticket is what its boot nonce was made of, least byte first.
TEST_F(RealData, NoncesAreMadeOfTheirGenerators) {
  for (const RealTicket& row : kTickets) {
    const Value answers = ReadPlist(row.file);
    const std::uint64_t number = std::strtoull(answers.Text("generator").c_str(), nullptr, 16);
    Bytes generator;
    for (int shift = 0; shift < 64; shift += 8)
      generator.push_back(static_cast<std::uint8_t>(number >> static_cast<unsigned>(shift)));
    const auto tickets = TicketsIn(answers);
    const auto ticket = ReadTicket(tickets.at(""));
    ASSERT_TRUE(ticket) << row.file;
    EXPECT_EQ(ticket->identity.Octets("BNCH"), NonceFrom(generator, GenerationOf(row.chip)))
        << row.file;
  }
}

TEST_F(RealData, RestoreInfoIsRead) {
  const auto info = ReadRestoreInfo(Read("img4/pyimg4_IM4R"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->generator.value_or(Bytes()).size(), 8U);
}

TEST_F(RealData, EveryPayloadIsRead) {
  int read = 0;
  for (const auto& file : std::filesystem::directory_iterator(kData / "img4")) {
    const std::string name = file.path().filename();
    if (!name.ends_with(".im4p") || name.starts_with("SSHRD")) continue;
    EXPECT_TRUE(ReadPayload(Read(file.path()))) << name;
    ++read;
  }
  EXPECT_GE(read, 7);
  EXPECT_FALSE(ReadPayload(Read("img4/SSHRD_bootlogo.im4p")));  // no DER at all
  const Bytes bare = Read("img4/pyimg4_IM4M");
  EXPECT_TRUE(ReadTicket(bare));
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
  const ChipIdentity chip{0x8015, 0x06, 1, 1, 1, Bytes(32), Bytes(20), GenerationOf(0x8015)};
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
