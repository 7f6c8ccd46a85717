#pragma once
// What lies in a baseband firmware file (.bbfw), by the entry BasebandFirmware of a manifest, and
// which bytes of it a digest or a signature covers.
//
// Of an element the manifest has `<element>-PartialDigest` when the signing server completes it
// with a blob of its own, which the host writes over the end of the element's file (reference 6.7);
// the others have `<element>-DownloadDigest`. The rack's convention, where Apple's is unknown: a
// download digest covers the whole file (of an .fls: its data); a partial digest is {bytes left to
// the blob as Apple counts them, bytes hashed, the digest of those}, and they are everything before
// the blob; a hash table is one row, the digest of the hashed bytes.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/rack/image4/digest.h"
#include "tests/rack/wire/value.h"

namespace rack {

struct BasebandPart {
  std::string element;     // "SBL1"
  std::string file;        // "sbl1.mbn"
  bool old_hosts = true;   // whether idevicerestore 1.0.0 knows where it goes
  std::size_t blob = 0;    // bytes; 0 when the signer has no say in it
  std::uint32_t left = 0;  // first number of the partial digest
  HashKind hash = HashKind::kSha256;
  std::string blob_key;  // in the signer's answer, "SBL1-Blob"

  [[nodiscard]] bool Signed() const { return blob != 0; }
};

// In the order of their names. `certificate` decides where a chip has two versions of an element
// (5.5); without it both are given. Nothing when a digest in the entry makes no sense.
[[nodiscard]] std::optional<std::vector<BasebandPart>> BasebandParts(
    const Value& entry, std::uint64_t chip, std::optional<std::uint64_t> certificate);

// The bytes the part's digest covers, and the blob behind them; nothing when the file is too short
// or is no such file.
struct BasebandRange {
  std::span<const std::uint8_t> hashed;
  std::span<const std::uint8_t> blob;
};
[[nodiscard]] std::optional<BasebandRange> RangeOf(const BasebandPart& part,
                                                   std::span<const std::uint8_t> file);

// The digest as the manifest writes it, under `<element>-PartialDigest` or `-DownloadDigest`.
[[nodiscard]] std::string DigestKey(const BasebandPart& part);
[[nodiscard]] Bytes DigestOf(const BasebandPart& part, std::span<const std::uint8_t> hashed);

// What the signer has a host write behind the hashed bytes: made for that one baseband, and for
// these bytes.
[[nodiscard]] Bytes BlobFor(const BasebandPart& part, std::span<const std::uint8_t> digest,
                            std::uint64_t chip, std::span<const std::uint8_t> serial);

// One digest for the whole, over the digests of all parts in the order of their keys; what `status`
// shows as firmware.
[[nodiscard]] Bytes BasebandDigest(const Value& entry);

}  // namespace rack
