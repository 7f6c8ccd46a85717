#pragma once
// A disk image (the OS, a cryptex) that exists only as its recipe: any stretch of it can be made or
// compared at any time. A sparse one is zeros with islands of seeded bytes, so that an image of any
// size takes little disk. One whose name ends in .aea begins as an Apple Encrypted Archive does.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/rack/forge/random_source.h"
#include "tests/rack/wire/value.h"

namespace rack {

struct ImageRecipe {
  std::uint64_t seed = 0;
  std::string path;  // the member's name, which the bytes depend on
  std::uint64_t size = 0;
  bool sparse = false;
  // Of all of it: one of each kind that a manifest names it by (a firmware for chips of two
  // generations has two).
  std::vector<Bytes> digests;
};

class DiskImage {
 public:
  explicit DiskImage(const ImageRecipe& recipe);

  [[nodiscard]] std::uint64_t Size() const { return size_; }
  // `out` must lie within the image.
  void Fill(std::uint64_t offset, std::span<std::uint8_t> out) const;
  // Where `bytes`, which came as those at `offset`, first differ from the image; bytes beyond its
  // end differ.
  [[nodiscard]] std::optional<std::uint64_t> Mismatch(std::uint64_t offset,
                                                      std::span<const std::uint8_t> bytes) const;

 private:
  // A stretch that is made in one way.
  struct Stretch {
    enum class Kind { kHeader, kSeeded, kZeros } kind;
    std::uint64_t end;
  };
  [[nodiscard]] Stretch StretchAt(std::uint64_t offset) const;
  [[nodiscard]] std::optional<std::uint64_t> MismatchWithin(
      const Stretch& stretch, std::uint64_t offset, std::span<const std::uint8_t> bytes) const;
  void FillWithin(const Stretch& stretch, std::uint64_t offset, std::span<std::uint8_t> out) const;

  std::uint64_t size_;
  bool sparse_;
  Bytes header_;
  RandomSource random_;
};

// The recipe whose image has this digest; null when none has.
[[nodiscard]] const ImageRecipe* FindRecipe(const std::vector<ImageRecipe>& recipes,
                                            std::span<const std::uint8_t> digest);

}  // namespace rack
