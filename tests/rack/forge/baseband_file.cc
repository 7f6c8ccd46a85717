#include "tests/rack/forge/baseband_file.h"

#include <algorithm>

#include "tests/rack/forge/random_source.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/side/baseband.h"
#include "tests/rack/side/fls.h"
#include "tests/rack/side/little_endian.h"
#include "tests/rack/side/zip.h"

namespace rack {
namespace {

constexpr std::size_t kBody = 24U << 10U;  // hashed bytes of each file, its header included
constexpr std::uint8_t kUnsigned = 0xFF;   // what stands where the blob will

// Headers by the kind of file. Known of them: MBN of type 0x0A says at 0x10 how much follows its
// header of 40 bytes; the later one, with a magic of 8 bytes, at 0x1C how much follows its 80; the
// one of Intel's .bin files says at 0x10 the size of the whole.
Bytes MbnHeader(std::size_t size) {
  Bytes header;
  Put32(header, 0x0A);
  header.resize(0x10);
  Put32(header, size - 40);
  header.resize(40);
  return header;
}

Bytes SignedMbnHeader(std::size_t size) {
  Bytes header = {0xD1, 0xDC, 0x4B, 0x84, 0x34, 0x10, 0xD7, 0x73};
  Put32(header, 0x15);
  Put32(header, 0xFFFFFFFF);
  Put32(header, 0xFFFFFFFF);
  Put32(header, 80);
  Put32(header, 0);
  Put32(header, size - 80);
  header.resize(80);
  return header;
}

Bytes BinHeader(std::size_t size) {
  Bytes header = {0x7D, 0x04, 0x00, 0xEA, 0x6C, 0x69, 0x48, 0x55};
  Put32(header, 0);
  Put32(header, 1);
  Put32(header, size);
  Put32(header, 0);
  return header;
}

// ELF with one program section that is all of the file behind the headers.
Bytes ElfHeader(std::size_t size, bool wide) {
  const std::size_t header_size = wide ? 64 : 52;
  const std::size_t section_size = wide ? 56 : 32;
  const std::size_t word = wide ? 8 : 4;
  Bytes out = {0x7F, 'E', 'L', 'F', static_cast<std::uint8_t>(wide ? 2 : 1), 1, 1, 0};
  out.resize(16);
  PutLittle(out, 2, 2);                // executable
  PutLittle(out, wide ? 183 : 40, 2);  // ARM
  Put32(out, 1);
  PutLittle(out, 0, word);            // entry
  PutLittle(out, header_size, word);  // program sections
  PutLittle(out, 0, word);            // no sections
  Put32(out, 0);
  for (const std::size_t half : {header_size, section_size, std::size_t{1}})
    PutLittle(out, half, 2);
  out.resize(header_size);
  const std::size_t data_at = header_size + section_size;
  Put32(out, 1);  // loadable
  if (wide) Put32(out, 5);
  PutLittle(out, data_at, word);
  PutLittle(out, 0, 2 * word);
  PutLittle(out, size - data_at, word);
  PutLittle(out, size - data_at, word);
  out.resize(data_at);
  return out;
}

Bytes HeaderFor(const BasebandPart& part, std::size_t size) {
  if (part.file.ends_with(".bin")) return BinHeader(size);
  if (part.file.ends_with(".elf")) return ElfHeader(size, part.Signed());
  return part.Signed() ? SignedMbnHeader(size) : MbnHeader(size);
}

Bytes MakePart(const BasebandPart& part, std::uint64_t seed, const std::string& path) {
  Bytes bytes(kBody);
  RandomSource(seed, path + "#" + part.file).Fill(0, bytes);
  bytes.resize(kBody + part.blob, kUnsigned);
  if (part.file.ends_with(".fls")) return WriteFls(std::move(bytes), part.blob);
  std::ranges::copy(HeaderFor(part, bytes.size()), bytes.begin());
  return bytes;
}

std::uint64_t BasebandChip(const Value& identity) {
  const std::string text = identity.Text("BbChipID");
  return text.empty() ? identity.Number("BbChipID").value_or(0)
                      : std::strtoull(text.c_str(), nullptr, 0);
}

std::vector<BasebandPart> PartsOf(const Value& entry, const Value& identity) {
  return BasebandParts(entry, BasebandChip(identity), std::nullopt)
      .value_or(std::vector<BasebandPart>());
}

void ReplaceTable(Value& entry, const BasebandPart& part, const Bytes& row) {
  if (const Bytes* old = entry.Data(part.element + "-HashTableDigest"))
    entry.Set(part.element + "-HashTableDigest", Hash(HashKindForSize(old->size()), row));
  if (const Bytes* old = entry.Data(part.element + "-HashTableBody")) {
    Bytes body = row;
    body.resize(old->size());
    entry.Set(part.element + "-HashTableBody", std::move(body));
  }
}

}  // namespace

Bytes MakeBasebandFile(const PlannedFile& file, std::uint64_t seed) {
  const PlannedFile::Use& use = file.uses.front();
  const Value info = Value::Dict{{"ChipID", BasebandChip(*use.identity)}, {"Version", "1.00.00"}};
  const std::string text = info.ToXml();
  ZipMembers members{{"Info.plist", Bytes(text.begin(), text.end())}, {"Options.plist", {}}};
  for (const BasebandPart& part : PartsOf(*use.entry, *use.identity))
    members[part.file] = MakePart(part, seed, file.path);
  return WriteZip(members);
}

// A file that does not hold what it should has no digests, which is not what any manifest says.
void ReplaceBasebandDigests(Value& entry, const Value& identity, const Bytes& contents) {
  const ZipMembers members = ReadZip(contents).value_or(ZipMembers());
  for (const BasebandPart& part : PartsOf(entry, identity)) {
    const auto member = members.find(part.file);
    const auto range = member == members.end() ? std::nullopt : RangeOf(part, member->second);
    entry.Set(DigestKey(part), range ? DigestOf(part, range->hashed) : Bytes());
    if (range) ReplaceTable(entry, part, Hash(part.hash, range->hashed));
  }
}

}  // namespace rack
