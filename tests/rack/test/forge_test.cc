#include "tests/rack/forge/forge.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/forge/marker.h"
#include "tests/rack/image4/components.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/payload.h"

namespace rack {
namespace {

template <typename T>
T Read(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

std::string Inflate(std::string_view packed, std::size_t size) {
  std::string out(size, '\0');
  z_stream stream{};
  inflateInit2(&stream, -MAX_WBITS);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return out;
}

// A small reader of its own: what the writer writes must be a zip to somebody else.
std::map<std::string, std::string> ReadZip(const std::string& path) {
  const std::string bytes = station::ReadFile(path, 1U << 30U).value();
  std::map<std::string, std::string> members;
  const std::size_t end = bytes.rfind("PK\x05\x06");
  std::size_t at = Read<std::uint32_t>(bytes, end + 16);
  for (int left = Read<std::uint16_t>(bytes, end + 10); left > 0; --left) {
    const auto name_size = Read<std::uint16_t>(bytes, at + 28);
    const std::string name = bytes.substr(at + 46, name_size);
    const auto local = Read<std::uint32_t>(bytes, at + 42);
    const auto packed = Read<std::uint32_t>(bytes, at + 20);
    const auto size = Read<std::uint32_t>(bytes, at + 24);
    const std::size_t data = local + 30U + Read<std::uint16_t>(bytes, local + 26) +
                             Read<std::uint16_t>(bytes, local + 28);
    const auto raw = std::string_view(bytes).substr(data, packed);
    members[name] =
        Read<std::uint16_t>(bytes, at + 10) == 0 ? std::string(raw) : Inflate(raw, size);
    EXPECT_EQ(Read<std::uint32_t>(bytes, at + 16),
              crc32(0, reinterpret_cast<const Bytef*>(members[name].data()), size));
    at += 46U + name_size + Read<std::uint16_t>(bytes, at + 30);
  }
  return members;
}

class Forged : public testing::TestWithParam<const char*> {
 protected:
  std::string Out() const {
    return testing::TempDir() + "/forge_" + std::to_string(getpid()) + ".ipsw";
  }
  void TearDown() override { std::filesystem::remove(Out()); }
  ForgeOrder Order() const {
    ForgeOrder order;
    order.manifest = std::string(RACK_SOURCE_DIR) + "/manifests/" + GetParam();
    order.out = Out();
    order.os_size = 3'000'001;
    order.ramdisk_size = 100'000;
    order.kernel_size = 50'000;
    return order;
  }
};

// Every digest in the written manifest belongs to the bytes of the file it names, after the type
// that the ticket knows the component by has been patched in.
TEST_P(Forged, DigestsBelongToTheMembers) {
  const auto result = Forge(Order());
  ASSERT_TRUE(result) << result.error().context;
  const auto members = ReadZip(Out());
  const auto manifest = Value::Parse(members.at("BuildManifest.plist"));
  ASSERT_TRUE(manifest);
  int checked = 0;
  for (const Value& identity : *manifest->Find("BuildIdentities")->AsArray()) {
    for (const auto& [name, entry] : *identity.Find("Manifest")->AsDict()) {
      const std::string path = entry.Find("Info")->Text("Path");
      const Bytes* digest = entry.Data("Digest");
      if (path.empty() || digest == nullptr) continue;
      ASSERT_TRUE(members.contains(path)) << path;
      Bytes bytes(members.at(path).begin(), members.at(path).end());
      if (name != "OS") {
        ASSERT_TRUE(PatchType(bytes, TicketName(name))) << name;
      }
      EXPECT_EQ(Hash(HashKind::kSha384, bytes), *digest) << name;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 4 * 27);
  EXPECT_EQ(result->os_digest,
            station::ToHex(Hash(HashKind::kSha384, AsBytes(members.at(result->os_member)))));
}

TEST_P(Forged, SharedFilesHoldTheInstalledForm) {
  ASSERT_TRUE(Forge(Order()));
  for (const auto& [path, bytes] : ReadZip(Out())) {
    const auto payload = ReadPayload(AsBytes(bytes));
    if (path.find("DeviceTree") != std::string::npos) {
      ASSERT_TRUE(payload);
      EXPECT_EQ(payload->type, "dtre");
      EXPECT_TRUE(ReadMarker(payload->data)->behaviour.empty());
    }
    for (const auto& [part, type] :
         {std::pair("sep-firmware", "sepi"), std::pair("kernelcache", "krnl"),
          std::pair("applelogo", "logo")}) {
      if (path.find(part) == std::string::npos) continue;
      EXPECT_EQ(payload->type, type);
    }
    if (payload && payload->type == "rdsk") {
      const auto marker = ReadMarker(payload->data);
      ASSERT_TRUE(marker);
      EXPECT_TRUE(marker->behaviour == "Erase" || marker->behaviour == "Update");
      EXPECT_EQ(marker->version, "15.8");
    }
  }
}

TEST_P(Forged, SameSeedSameFileOtherSeedOtherFile) {
  ForgeOrder order = Order();
  const auto first = Forge(order);
  const auto again = Forge(order);
  order.seed = 2;
  const auto other = Forge(order);
  EXPECT_EQ(first->sha256, again->sha256);
  EXPECT_NE(first->sha256, other->sha256);
}

TEST_P(Forged, DeflatedImageHasTheSameDigest) {
  ForgeOrder order = Order();
  const auto stored = Forge(order);
  order.deflate = true;
  const auto deflated = Forge(order);
  EXPECT_EQ(stored->os_digest, deflated->os_digest);
  EXPECT_EQ(ReadZip(Out()).at(deflated->os_member).size(), order.os_size);
}

INSTANTIATE_TEST_SUITE_P(Manifests, Forged,
                         testing::Values("iphone8_ios15.plist", "iphonex_ios15.plist"),
                         [](const auto& row) { return std::string(row.param).substr(0, 7); });

}  // namespace
}  // namespace rack
