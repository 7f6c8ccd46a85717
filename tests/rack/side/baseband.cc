#include "tests/rack/side/baseband.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "tests/rack/side/fls.h"
#include "tests/rack/side/little_endian.h"

namespace rack {
namespace {

constexpr std::string_view kPartial = "-PartialDigest";
constexpr std::string_view kDownload = "-DownloadDigest";
constexpr std::size_t kPartialHead = 8;
constexpr std::uint32_t kLongestBlob = 64U << 10U;
// In the SHA-1 form the first number leaves out signature and certificates (seen in a ticket: 0x78
// and a blob of 6520 bytes; with SHA-256 0x1900 and 6400).
constexpr std::uint32_t kAttestation = 6400;
constexpr std::size_t kSha1Partial = kPartialHead + 20;
constexpr std::uint64_t kMav25 = 0x1F30E1;

// Where signed elements go (reference 6.7).
struct SignedFile {
  std::string_view element;
  std::string_view file;
  bool old_hosts = true;
};
constexpr auto kSigned = std::to_array<SignedFile>({{"RamPSI", "psi_ram.fls"},
                                                    {"FlashPSI", "psi_flash.fls"},
                                                    {"eDBL", "dbl.mbn"},
                                                    {"DBL", "dbl.mbn"},
                                                    {"RestoreDBL", "restoredbl.mbn"},
                                                    {"ENANDPRG", "ENPRG.mbn"},
                                                    {"RestoreSBL1", "restoresbl1.mbn"},
                                                    {"SBL1", "sbl1.mbn"},
                                                    {"RestorePSI", "restorepsi.bin"},
                                                    {"PSI", "psi_ram.bin"},
                                                    {"RestorePSI2", "restorepsi2.bin"},
                                                    {"PSI2", "psi_ram2.bin"},
                                                    {"Misc", "multi_image.mbn", false}});
constexpr auto kSignedMav25 =
    std::to_array<SignedFile>({{"RestoreSBL1", "restorexbl_sc.elf", false},
                               {"SBL1", "xbl_sc.elf", false},
                               {"TME", "signed_firmware_soc_view.elf", false},
                               {"Misc", "multi_image.mbn", false}});

// Chip 0x68 comes in two makes, told apart by the certificate; each has its own PSI (5.5).
constexpr std::uint64_t kTwoMakes = 0x68;
constexpr auto kFirstMake = std::to_array<std::uint64_t>({0x26F3FACC, 0x5CF2EC4E, 0x8399785A});

bool OfOtherMake(std::string_view element, std::uint64_t chip,
                 std::optional<std::uint64_t> certificate) {
  if (chip != kTwoMakes || !certificate) return false;
  const bool first = std::ranges::find(kFirstMake, *certificate) != kFirstMake.end();
  return first ? element == "PSI2" || element == "RestorePSI2"
               : element == "PSI" || element == "RestorePSI";
}

const SignedFile* FindSigned(std::string_view element, std::uint64_t chip) {
  const std::span<const SignedFile> table = chip == kMav25
                                                ? std::span<const SignedFile>(kSignedMav25)
                                                : std::span<const SignedFile>(kSigned);
  const auto found = std::ranges::find(table, element, &SignedFile::element);
  return found == table.end() ? nullptr : &*found;
}

// The files of unsigned elements are called after them; which suffix follows from the maker. Names
// of Intel's are the rack's own, but for ebl.fls.
std::string PlainFile(std::string_view element, const Value& entry) {
  std::string name(element);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (entry.Find("RamPSI-PartialDigest") != nullptr) return name + ".fls";
  const bool intel =
      entry.Find("PSI-PartialDigest") != nullptr || entry.Find("PSI2-PartialDigest") != nullptr;
  if (!intel) return name + ".mbn";
  return name + (element == "EBL" ? ".bin" : ".elf");
}

std::optional<BasebandPart> PlainPart(const std::string& element, const Bytes& digest,
                                      const Value& entry) {
  return BasebandPart{.element = element,
                      .file = PlainFile(element, entry),
                      .hash = HashKindForSize(digest.size()),
                      .blob_key = {}};
}

std::optional<BasebandPart> SignedPart(const std::string& element, const Bytes& digest,
                                       const Value& entry, std::uint64_t chip) {
  const auto left = LittleAt(digest, 0);
  const SignedFile* where = FindSigned(element, chip);
  if (!left || *left == 0 || *left > kLongestBlob || digest.size() < kSha1Partial ||
      where == nullptr)
    return std::nullopt;
  const bool table = entry.Find(element + "-HashTableDigest") != nullptr;
  return BasebandPart{.element = element,
                      .file = std::string(where->file),
                      .old_hosts = where->old_hosts,
                      .blob = *left + (digest.size() == kSha1Partial ? kAttestation : 0),
                      .left = *left,
                      .hash = HashKindForSize(digest.size() - kPartialHead),
                      .blob_key = element + (table ? "-HashTableDigest-Blob" : "-Blob")};
}

bool IsFls(const BasebandPart& part) { return part.file.ends_with(".fls"); }

}  // namespace

std::optional<std::vector<BasebandPart>> BasebandParts(const Value& entry, std::uint64_t chip,
                                                       std::optional<std::uint64_t> certificate) {
  std::map<std::string, BasebandPart> parts;
  if (entry.AsDict() == nullptr) return std::nullopt;
  for (const auto& [key, value] : *entry.AsDict()) {
    const bool is_signed = key.ends_with(kPartial);
    if (!is_signed && !key.ends_with(kDownload)) continue;
    const std::string element = key.substr(0, key.find('-'));
    if (OfOtherMake(element, chip, certificate)) continue;
    if (value.AsBytes() == nullptr) return std::nullopt;
    auto part = is_signed ? SignedPart(element, *value.AsBytes(), entry, chip)
                          : PlainPart(element, *value.AsBytes(), entry);
    if (!part) return std::nullopt;
    parts.insert_or_assign(element, std::move(*part));
  }
  std::vector<BasebandPart> list;
  for (auto& [element, part] : parts) list.push_back(std::move(part));
  return list;
}

std::optional<BasebandRange> RangeOf(const BasebandPart& part, std::span<const std::uint8_t> file) {
  if (IsFls(part)) {
    const auto data = ReadFlsData(file);
    if (!data) return std::nullopt;
    file = *data;
  }
  if (file.size() <= part.blob) return std::nullopt;
  return BasebandRange{file.first(file.size() - part.blob), file.last(part.blob)};
}

std::string DigestKey(const BasebandPart& part) {
  return part.element + std::string(part.Signed() ? kPartial : kDownload);
}

Bytes DigestOf(const BasebandPart& part, std::span<const std::uint8_t> hashed) {
  const Bytes digest = Hash(part.hash, hashed);
  if (!part.Signed()) return digest;
  Bytes partial;
  Put32(partial, part.left);
  Put32(partial, hashed.size());
  partial.insert(partial.end(), digest.begin(), digest.end());
  return partial;
}

Bytes BlobFor(const BasebandPart& part, std::span<const std::uint8_t> digest, std::uint64_t chip,
              std::span<const std::uint8_t> serial) {
  Hasher hasher(HashKind::kSha256);
  Bytes head;
  Put32(head, chip);
  hasher.Add(AsBytes("rack baseband blob " + part.element));
  hasher.Add(head);
  hasher.Add(serial);
  hasher.Add(digest);
  Bytes row = hasher.Finish();
  Bytes blob;
  while (blob.size() < part.blob) {
    blob.insert(blob.end(), row.begin(), row.end());
    row = Hash(HashKind::kSha256, row);
  }
  blob.resize(part.blob);
  return blob;
}

Bytes BasebandDigest(const Value& entry) {
  std::map<std::string, const Bytes*> digests;
  if (entry.AsDict() != nullptr)
    for (const auto& [key, value] : *entry.AsDict())
      if ((key.ends_with(kPartial) || key.ends_with(kDownload)) && value.AsBytes() != nullptr)
        digests[key] = value.AsBytes();
  Hasher hasher(HashKind::kSha256);
  for (const auto& [key, digest] : digests) hasher.Add(*digest);
  return hasher.Finish();
}

}  // namespace rack
