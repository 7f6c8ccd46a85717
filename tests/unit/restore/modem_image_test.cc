// Signatures into baseband images, against layouts written out by hand here.

#include "station/restore/modem_image.h"

#include <gtest/gtest.h>

#include "firmware_world.h"

namespace station::restore {
namespace {

using testing::Bytes;

void Put32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
}
std::uint32_t Get32(const Bytes& bytes, std::size_t at) {
  return bytes.at(at) | bytes.at(at + 1) << 8 | bytes.at(at + 2) << 16 |
         static_cast<std::uint32_t>(bytes.at(at + 3)) << 24;
}
Bytes Filled(std::size_t size, std::uint8_t value) { return Bytes(size, value); }

TEST(ModemImage, SignatureTakesTheTail) {
  Bytes image = Filled(100, 0x11);
  image[0] = 0x0A;
  image[1] = image[2] = image[3] = 0;
  const auto result = SignImageTail(image, Filled(30, 0x22));
  ASSERT_TRUE(result);
  ASSERT_EQ(result->size(), 100U);
  EXPECT_EQ(Bytes(result->begin(), result->begin() + 70), Bytes(image.begin(), image.begin() + 70));
  EXPECT_EQ(Bytes(result->begin() + 70, result->end()), Filled(30, 0x22));
  EXPECT_FALSE(SignImageTail(image, Filled(101, 1))) << "longer than the image";
  EXPECT_FALSE(SignImageTail(image, {}));
}

// Ten words: reserved, version, common, vendor's and owner's metadata, hashes, vendor's signature
// and certificates, owner's signature and certificates.
Bytes HashTable(std::array<std::uint32_t, 8> sizes, std::uint8_t fill, std::size_t total) {
  Bytes bytes = Filled(total, fill);
  Put32(bytes, 0, 0);
  Put32(bytes, 4, 7);
  for (std::size_t i = 0; i < sizes.size(); ++i) Put32(bytes, 8 + 4 * i, sizes[i]);
  return bytes;
}

// A 64-bit ELF with two program headers; the last one is the segment at 0x200.
Bytes Elf64(const Bytes& segment) {
  Bytes elf = Filled(0x200, 0xEE);
  const Bytes ident = {0x7F, 'E', 'L', 'F', 2, 1, 1};
  std::copy(ident.begin(), ident.end(), elf.begin());
  Put32(elf, 32, 64);  // program headers' offset
  Put32(elf, 36, 0);
  elf[56] = 2;  // their count
  elf[57] = 0;
  const std::size_t last = 64 + 56;
  Put32(elf, last + 8, 0x200);
  Put32(elf, last + 12, 0);
  Put32(elf, last + 32, static_cast<std::uint32_t>(segment.size()));
  Put32(elf, last + 36, 0);
  elf.insert(elf.end(), segment.begin(), segment.end());
  return elf;
}

TEST(ModemImage, HashTableSegment_TakesFrontAndOwnersSignature) {
  // In the image: metadata 4+8+8, hashes 16, vendor's 10+6, owner's 20+12.
  const Bytes old_table = HashTable({4, 8, 8, 16, 10, 6, 20, 12}, 0xAA, 160);
  // In the blob: the same metadata and hashes, no vendor's, owner's 20+12 right behind.
  Bytes blob = HashTable({4, 8, 8, 16, 0, 0, 20, 12}, 0xBB, 40 + 4 + 8 + 8 + 16 + 32);
  const std::size_t front = 40 + 4 + 8 + 8 + 16;
  std::fill(blob.begin() + static_cast<std::ptrdiff_t>(front), blob.end(), 0xCC);
  const Bytes elf = Elf64(old_table);
  const auto result = SignHashTableSegment(elf, blob);
  ASSERT_TRUE(result) << result.error().context;
  ASSERT_EQ(result->size(), elf.size());
  const auto part = [&](std::size_t from, std::size_t size) {
    return Bytes(result->begin() + 0x200 + static_cast<std::ptrdiff_t>(from),
                 result->begin() + 0x200 + static_cast<std::ptrdiff_t>(from + size));
  };
  EXPECT_EQ(part(0, front), Bytes(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(front)));
  EXPECT_EQ(part(front, 16), Filled(16, 0xAA)) << "the vendor's stays";
  EXPECT_EQ(part(front + 16, 32), Filled(32, 0xCC));
  EXPECT_EQ(part(front + 48, 160 - front - 48), Filled(160 - front - 48, 0xAA));
}

TEST(ModemImage, HashTableSegment_RefusesWhatDoesNotFit) {
  const Bytes table = HashTable({4, 8, 8, 16, 10, 6, 20, 12}, 0xAA, 160);
  const Bytes elf = Elf64(table);
  EXPECT_EQ(SignHashTableSegment(elf, Filled(40, 0)).error().code, ErrorCode::kSigningBadAnswer)
      << "no version 7";
  EXPECT_EQ(SignHashTableSegment(elf, HashTable({4, 8, 8, 160, 0, 0, 0, 0}, 1, 40)).error().code,
            ErrorCode::kSigningBadAnswer);
  EXPECT_EQ(
      SignHashTableSegment(
          elf, HashTable({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 0}, 1, 400))
          .error()
          .code,
      ErrorCode::kSigningBadAnswer);
  for (std::size_t size = 0; size < elf.size(); ++size)
    EXPECT_FALSE(SignHashTableSegment(std::span(elf).first(size), table)) << size;
}

// Elements: type, size, 0, then by type; 0x0C is 40 bytes of header with the data's size at 28 and
// place at 36.
Bytes Element(std::uint32_t type, std::size_t header, const Bytes& data) {
  Bytes element = Filled(header, 0);
  Put32(element, 0, type);
  Put32(element, 4, static_cast<std::uint32_t>(header + data.size()));
  element.insert(element.end(), data.begin(), data.end());
  return element;
}

Bytes MakeFls() {
  Bytes code = Filled(64, 0x33);
  Put32(code, 0x10, 64);  // size with signature
  Put32(code, 0x14, 48);  // where the signature begins
  Bytes file = Element(0x01, 12, Filled(4, 0x44));
  Bytes middle = Element(0x0C, 40, code);
  Put32(middle, 28, 64);
  Put32(middle, 36, static_cast<std::uint32_t>(file.size() + 40));
  file.insert(file.end(), middle.begin(), middle.end());
  const Bytes tail = Element(0x10, 24, Filled(8, 0x55));
  file.insert(file.end(), tail.begin(), tail.end());
  return file;
}

TEST(Fls, IsWrittenAsItWasRead) {
  const Bytes file = MakeFls();
  const auto fls = FlsFile::Parse(file);
  ASSERT_TRUE(fls) << fls.error().context;
  Bytes expected = file;
  Put32(expected, 16 + 104 + 20, 16 + 104 + 24);  // where the last element's data lies
  EXPECT_EQ(fls->Write(), expected);
}

TEST(Fls, NewSignatureMovesWhatFollows) {
  auto fls = FlsFile::Parse(MakeFls());
  ASSERT_TRUE(fls);
  ASSERT_TRUE(fls->ReplaceSignature(Filled(20, 0x66)));
  const Bytes out = fls->Write();
  ASSERT_EQ(out.size(), MakeFls().size() + 4);
  EXPECT_EQ(Get32(out, 16 + 4), 40U + 68U) << "the element's size";
  EXPECT_EQ(Get32(out, 16 + 28), 68U) << "its data's size";
  EXPECT_EQ(Get32(out, 16 + 36), 56U) << "their place";
  EXPECT_EQ(Get32(out, 16 + 40 + 0x10), 68U) << "the code's own word for it";
  EXPECT_EQ(Bytes(out.begin() + 56 + 48, out.begin() + 56 + 68), Filled(20, 0x66));
  EXPECT_EQ(Get32(out, 16 + 108), 0x10U) << "the next element follows";
  EXPECT_EQ(Get32(out, 16 + 108 + 20), 16U + 108U + 24U);
}

TEST(Fls, TicketGoesBeforeTheCode_PaddedToWords) {
  auto fls = FlsFile::Parse(MakeFls());
  ASSERT_TRUE(fls);
  fls->InsertTicket(Filled(5, 0x77));
  const Bytes out = fls->Write();
  ASSERT_EQ(out.size(), MakeFls().size() + 8);
  EXPECT_EQ(Bytes(out.begin() + 56, out.begin() + 64),
            (Bytes{0x77, 0x77, 0x77, 0x77, 0x77, 0xFF, 0xFF, 0xFF}));
  EXPECT_EQ(out[64], 0x33);
  EXPECT_EQ(Get32(out, 16 + 28), 72U);
}

TEST(Fls, RefusesBrokenFiles) {
  const Bytes file = MakeFls();
  for (std::size_t size = 1; size < file.size(); ++size) {
    if (size == 16 + 104) continue;  // ends with the code: whole without the last element
    EXPECT_FALSE(FlsFile::Parse(std::span(file).first(size))) << size;
  }
  EXPECT_FALSE(FlsFile::Parse({})) << "no code";
  Bytes twice = file;
  twice.insert(twice.end(), file.begin(), file.end());
  EXPECT_FALSE(FlsFile::Parse(twice)) << "two codes";
  Bytes beyond = file;
  Put32(beyond, 56 + 0x14, 65);
  auto fls = FlsFile::Parse(beyond);
  ASSERT_TRUE(fls);
  EXPECT_FALSE(fls->ReplaceSignature(Filled(4, 1)));
}

}  // namespace
}  // namespace station::restore
