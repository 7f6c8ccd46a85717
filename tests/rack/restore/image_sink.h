#pragma once
// Where a disk image goes as it arrives: nowhere. Of an image whose recipe the booted ramdisk
// carries every byte is compared with what it should be; any other is hashed. Nothing is kept.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "tests/rack/forge/disk_image.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/model/refusal.h"

namespace rack {

class ImageSink {
 public:
  // `signed_digest` is what the phone's ticket or manifest wants; a recipe of that digest is used.
  ImageSink(const std::vector<ImageRecipe>& recipes, Bytes signed_digest);

  // The next bytes. A wrong one is told by Finish only, as phones verify when all is written.
  void Take(std::span<const std::uint8_t> bytes);
  // The digest, after the last byte; kImageDigest, with the place of the first difference, unless
  // it is the signed one.
  [[nodiscard]] std::expected<Bytes, Refusal> Finish();

 private:
  const Bytes signed_digest_;
  std::optional<DiskImage> known_;
  Hasher hasher_;  // of an image that is not known
  std::uint64_t taken_ = 0;
  std::optional<std::uint64_t> wrong_at_;
};

}  // namespace rack
