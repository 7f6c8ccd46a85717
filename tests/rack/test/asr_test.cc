#include "tests/rack/restore/asr.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <thread>

#include "tests/rack/test/keys.h"

namespace rack {
namespace {

constexpr std::size_t kBlock = 131072;

PhoneSpec TestSpec() {
  return ParseCart("phones: [{port: \"1-1\", product: \"iPhone10,1\", ecid: \"0x1\"}]", "",
                   TestProducts())
      ->front();
}

// A host that sends `image`, as it should but for the one thing a test makes wrong.
struct Host {
  Bytes image;
  std::size_t wrong_checksum_at = SIZE_MAX;
  std::size_t wrong_byte_at = SIZE_MAX;  // differs from what the ranges said; checksum fits
  std::size_t stop_at = SIZE_MAX;
  bool extra = false;
  std::uint64_t chunk_size = kBlock;
  bool checksums = true;

  void Serve(int fd) const {
    Stream stream{station::Fd(fd)};
    (void)Command(stream);  // Initiate
    Value info =
        Value::Dict{{"FEC Slice Stride", 40},
                    {"Packet Payload Size", 1450},
                    {"Packets Per FEC", 25},
                    {"Payload", Value::Dict{{"Port", 1}, {"Size", std::uint64_t{image.size()}}}},
                    {"Stream ID", 1},
                    {"Version", 1}};
    if (checksums) info.Set("Checksum Chunk Size", chunk_size);
    stream.Write(info.ToXml());
    for (Value command = Command(stream); command.Text("Command") == "OOBData";
         command = Command(stream))
      if (!stream.Write(std::span(image).subspan(*command.Number("OOB Offset"),
                                                 *command.Number("OOB Length"))))
        return;
    for (std::size_t at = 0; at < std::min(image.size(), stop_at); at += kBlock) {
      Bytes block(image.begin() + static_cast<std::ptrdiff_t>(at),
                  image.begin() + static_cast<std::ptrdiff_t>(std::min(at + kBlock, image.size())));
      if (wrong_byte_at >= at && wrong_byte_at < at + block.size()) block[wrong_byte_at - at] ^= 1U;
      Bytes checksum = Hash(HashKind::kSha1, block);
      if (wrong_checksum_at >= at && wrong_checksum_at < at + block.size()) checksum[0] ^= 1U;
      if (!stream.Write(block) || (checksums && !stream.Write(checksum))) return;
    }
    if (extra) stream.Write("x");
  }

  static Value Command(Stream& stream) {
    std::string text;
    std::array<std::uint8_t, 4096> piece;
    while (text.find("</plist>\n") == std::string::npos) {
      const auto got = stream.ReadSome(piece, std::chrono::seconds(10));
      if (!got || *got == 0) return Value();
      text.append(AsText(std::span(piece).first(*got)));
    }
    return Value::Parse(text).value_or(Value());
  }
};

std::expected<AsrImage, Refusal> ReceiveFrom(const Host& host, AsrOptions options = {}) {
  Phone phone(TestSpec(), TestRoot(), "");
  Attachment attachment;
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  if (options.signed_digest.empty()) options.signed_digest = Hash(HashKind::kSha384, host.image);
  AsrReceiver receiver(phone, attachment, std::move(options));
  receiver.Listen();
  const auto stream = std::make_shared<Stream>(station::Fd(ends[0]));
  attachment.Join(stream);
  attachment.Find(kAsrPort)(stream);
  std::thread sender([&] { host.Serve(ends[1]); });
  auto image = receiver.Receive();
  attachment.End();
  sender.join();
  return image;
}

Host HostWith(std::size_t size) {
  Host host;
  host.image.resize(size);
  for (std::size_t i = 0; i < size; ++i)
    host.image[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13U);
  return host;
}

TEST(Asr, TakesImagesOfAnySize) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{600}, kBlock, kBlock * 8, kBlock * 8 + 1, kBlock * 20 - 1}) {
    const Host host = HostWith(size);
    const auto image = ReceiveFrom(host);
    ASSERT_TRUE(image) << size << image.error().detail;
    EXPECT_EQ(image->size, size);
    EXPECT_EQ(image->digest, Hash(HashKind::kSha384, host.image));
  }
}

// An image whose recipe the phone has, and its own digest.
struct Known {
  Host host;
  AsrOptions options;
};

Known KnownImage(bool sparse) {
  Known known;
  ImageRecipe recipe{
      .seed = 3, .path = "os.dmg", .size = 20'000'001, .sparse = sparse, .digests = {}};
  known.host.image.resize(recipe.size);
  DiskImage(recipe).Fill(0, known.host.image);
  known.options.signed_digest = Hash(HashKind::kSha1, known.host.image);
  recipe.digests = {known.options.signed_digest};
  known.options.recipes = {recipe};
  return known;
}

TEST(Asr, TakesAnImageWhoseRecipeItHas) {
  for (const bool sparse : {false, true})
    for (const bool checksums : {false, true}) {
      Known known = KnownImage(sparse);
      known.options.checksums = known.host.checksums = checksums;
      const auto image = ReceiveFrom(known.host, known.options);
      ASSERT_TRUE(image) << image.error().detail;
      EXPECT_EQ(image->digest, known.options.signed_digest);
    }
}

// Told only when all has come, with the place: a phone verifies what it has written.
TEST(Asr, FindsTheFirstByteThatDiffers) {
  for (const bool sparse : {false, true})
    for (const std::size_t at : {std::size_t{0}, std::size_t{5'000'000}, std::size_t{20'000'000}}) {
      Known known = KnownImage(sparse);
      known.host.image[at] ^= 0x40U;
      const auto image = ReceiveFrom(known.host, known.options);
      ASSERT_TRUE(image) << image.error().detail;
      ASSERT_FALSE(image->digest);
      EXPECT_EQ(image->digest.error().reason, Reason::kImageDigest);
      EXPECT_TRUE(image->digest.error().detail.ends_with(" byte " + std::to_string(at)))
          << image->digest.error().detail;
    }
}

TEST(Asr, RefusesAnotherImageThanTheSignedOne) {
  Known shorter = KnownImage(false);
  shorter.host.image.resize(10'000'000);
  EXPECT_FALSE(ReceiveFrom(shorter.host, shorter.options)->digest);
  AsrOptions options;
  options.signed_digest = Bytes(48);
  EXPECT_FALSE(ReceiveFrom(HostWith(500'000), options)->digest);
}

struct Wrong {
  const char* name;
  Reason reason;
  void (*spoil)(Host& host);
};
void PrintTo(const Wrong& row, std::ostream* out) { *out << row.name; }

class AsrHost : public testing::TestWithParam<Wrong> {};

TEST_P(AsrHost, IsRefused) {
  Host host = HostWith(3'000'000);
  GetParam().spoil(host);
  const auto image = ReceiveFrom(host);
  ASSERT_FALSE(image);
  EXPECT_EQ(Name(image.error().reason), Name(GetParam().reason)) << image.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Table, AsrHost,
    testing::Values(
        Wrong{"Checksum", Reason::kAsrChecksum, [](Host& h) { h.wrong_checksum_at = 2'000'000; }},
        Wrong{"OtherThanRange", Reason::kAsrRange, [](Host& h) { h.wrong_byte_at = 2'999'999; }},
        Wrong{"Short", Reason::kAsrShort, [](Host& h) { h.stop_at = 1'000'000; }},
        Wrong{"TooLong", Reason::kAsrInfo, [](Host& h) { h.extra = true; }},
        Wrong{"NoChecksums", Reason::kAsrInfo, [](Host& h) { h.chunk_size = 0; }}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace rack
