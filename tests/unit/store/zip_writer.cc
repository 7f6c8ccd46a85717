#include "zip_writer.h"

#include <zlib.h>

#include <stdexcept>

namespace station::testing {
namespace {

void Add(std::string& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i) & 0xffU);
}

std::uint32_t Crc(const std::string& bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

struct Written {
  std::uint64_t offset;
  std::uint64_t packed;
  std::uint32_t crc;
};

Written AddMember(Archive& zip, const ZipPart& part) {
  const std::string packed = part.deflate ? Deflate(part.content) : part.content;
  const Written written{zip.bytes.size(), packed.size(), Crc(part.content)};
  std::string& out = zip.bytes;
  zip.local.push_back(out.size());
  Add(out, 0x04034b50, 4);
  Add(out, part.zip64 ? 45 : 20, 2);
  Add(out, part.streamed ? 8 : 0, 2);
  Add(out, part.deflate ? 8 : 0, 2);
  Add(out, 0, 4);
  Add(out, part.streamed ? 0 : written.crc, 4);
  Add(out, part.zip64 ? 0xffffffff : part.streamed ? 0 : packed.size(), 4);
  Add(out, part.zip64 ? 0xffffffff : part.streamed ? 0 : part.content.size(), 4);
  Add(out, part.name.size(), 2);
  Add(out, part.zip64 ? 20 : 0, 2);
  out += part.name;
  if (part.zip64) {
    Add(out, 1, 2);
    Add(out, 16, 2);
    Add(out, part.streamed ? 0 : part.content.size(), 8);
    Add(out, part.streamed ? 0 : packed.size(), 8);
  }
  zip.data.push_back(out.size());
  out += packed;
  if (part.streamed) {
    Add(out, 0x08074b50, 4);
    Add(out, written.crc, 4);
    Add(out, packed.size(), part.zip64 ? 8 : 4);
    Add(out, part.content.size(), part.zip64 ? 8 : 4);
  }
  return written;
}

void AddCentral(Archive& zip, const ZipPart& part, const Written& written) {
  std::string& out = zip.bytes;
  zip.central.push_back(out.size());
  Add(out, 0x02014b50, 4);
  Add(out, 3U << 8U | 45U, 2);  // made on Unix
  Add(out, part.zip64 ? 45 : 20, 2);
  Add(out, part.streamed ? 8 : 0, 2);
  Add(out, part.deflate ? 8 : 0, 2);
  Add(out, 0, 4);
  Add(out, written.crc, 4);
  Add(out, part.zip64 ? 0xffffffff : written.packed, 4);
  Add(out, part.zip64 ? 0xffffffff : part.content.size(), 4);
  Add(out, part.name.size(), 2);
  Add(out, part.zip64 ? 28 : 0, 2);
  Add(out, 0, 2);
  Add(out, 0, 2);
  Add(out, 0, 2);
  Add(out, std::uint64_t{part.unix_mode} << 16U, 4);
  Add(out, part.zip64 ? 0xffffffff : written.offset, 4);
  out += part.name;
  if (!part.zip64) return;
  Add(out, 1, 2);
  Add(out, 24, 2);
  Add(out, part.content.size(), 8);
  Add(out, written.packed, 8);
  Add(out, written.offset, 8);
}

void AddEnd(Archive& zip, std::size_t members, std::uint64_t directory, const ZipForm& form) {
  std::string& out = zip.bytes;
  const std::uint64_t directory_size = out.size() - directory;
  if (form.zip64_end) {
    zip.end64 = out.size();
    Add(out, 0x06064b50, 4);
    Add(out, 44, 8);
    Add(out, 45, 2);
    Add(out, 45, 2);
    Add(out, 0, 4);
    Add(out, 0, 4);
    Add(out, members, 8);
    Add(out, members, 8);
    Add(out, directory_size, 8);
    Add(out, directory, 8);
    zip.locator64 = out.size();
    Add(out, 0x07064b50, 4);
    Add(out, 0, 4);
    Add(out, zip.end64, 8);
    Add(out, 1, 4);
  }
  zip.end = out.size();
  Add(out, 0x06054b50, 4);
  Add(out, 0, 4);
  Add(out, form.zip64_end ? 0xffff : members, 2);
  Add(out, form.zip64_end ? 0xffff : members, 2);
  Add(out, form.zip64_end ? 0xffffffff : directory_size, 4);
  Add(out, form.zip64_end ? 0xffffffff : directory, 4);
  Add(out, form.comment.size(), 2);
  out += form.comment;
}

// A field's place in the central entry, given that in the local header: two bytes further.
constexpr std::size_t kCentralShift = 2;

}  // namespace

void Archive::Put(std::size_t at, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.at(at + i) = static_cast<char>(value >> (8 * i) & 0xffU);
}

void Archive::PutBoth16(std::size_t member, std::size_t in_local, std::uint16_t value) {
  Put16(local.at(member) + in_local, value);
  Put16(central.at(member) + in_local + kCentralShift, value);
}

void Archive::PutBoth32(std::size_t member, std::size_t in_local, std::uint32_t value) {
  Put32(local.at(member) + in_local, value);
  Put32(central.at(member) + in_local + kCentralShift, value);
}

void Archive::Rename(std::size_t member, const std::string& name) {
  bytes.replace(local.at(member) + 30, name.size(), name);
  bytes.replace(central.at(member) + 46, name.size(), name);
}

Archive MakeZip(const std::vector<ZipPart>& parts, const ZipForm& form) {
  Archive zip;
  std::vector<Written> written;
  for (const ZipPart& part : parts) written.push_back(AddMember(zip, part));
  const std::uint64_t directory = zip.bytes.size();
  for (std::size_t i = 0; i < parts.size(); ++i) AddCentral(zip, parts[i], written[i]);
  AddEnd(zip, parts.size(), directory, form);
  return zip;
}

std::string Deflate(const std::string& content) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string out(::deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string Noise(std::size_t size, std::uint64_t seed) {
  std::string out(size, '\0');
  std::uint64_t state = seed * 2 + 1;
  for (char& c : out) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>(state >> 56U);
  }
  return out;
}

}  // namespace station::testing
