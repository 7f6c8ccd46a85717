#pragma once
// Signatures into the boot images of basebands: Qualcomm's (.mbn, .elf, and .bin of the same
// family) and Intel's (.fls). Layouts as public baseband tools describe them; everything read is
// bounded.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "station/base/result.h"

namespace station::restore {

using ImageBytes = std::vector<std::uint8_t>;

// The signature takes the last bytes of the image. kFirmwareMalformed when it is longer than the
// image.
[[nodiscard]] Result<ImageBytes> SignImageTail(std::span<const std::uint8_t> image,
                                               std::span<const std::uint8_t> blob);

// Mav25's: an ELF whose last segment is an MBN version 7 hash table segment; the blob is the head
// of another one. What it says of itself and the hashes replaces the segment's beginning, the
// owner's signature and certificates go behind the vendor's. kFirmwareMalformed, kSigningBadAnswer
// when the blob does not fit.
[[nodiscard]] Result<ImageBytes> SignHashTableSegment(std::span<const std::uint8_t> elf,
                                                      std::span<const std::uint8_t> blob);

// Intel's container of elements. Exactly one of them, of type 0x0C, holds the code and its
// signature.
class FlsFile {
 public:
  [[nodiscard]] static Result<FlsFile> Parse(std::span<const std::uint8_t> bytes);
  // Replaces the signature, which reaches from the offset the code names to its end.
  [[nodiscard]] Status ReplaceSignature(std::span<const std::uint8_t> blob);
  // Puts a ticket before the code, padded with 0xFF to whole words.
  void InsertTicket(std::span<const std::uint8_t> ticket);
  [[nodiscard]] ImageBytes Write() const;

 private:
  struct Element {
    std::uint32_t type = 0;
    std::vector<std::uint8_t> header;
    std::vector<std::uint8_t> data;
  };
  std::vector<Element> elements_;
  std::size_t code_ = 0;  // index of the 0x0C element
};

}  // namespace station::restore
