#pragma once
// Hashes over bytes as they pass, and the random bytes a phone or a signer needs.

#include <cstdint>
#include <memory>
#include <span>

#include "tests/rack/wire/value.h"

namespace rack {

enum class HashKind { kSha1, kSha256, kSha384, kSha512 };

class Hasher {
 public:
  explicit Hasher(HashKind kind);
  void Add(std::span<const std::uint8_t> bytes);
  // Ends this hash; the next Add begins a new one.
  [[nodiscard]] Bytes Finish();

 private:
  struct Deleter {
    void operator()(void* context) const;
  };
  HashKind kind_;
  std::unique_ptr<void, Deleter> context_;
};

[[nodiscard]] Bytes Hash(HashKind kind, std::span<const std::uint8_t> bytes);
[[nodiscard]] Bytes RandomBytes(std::size_t count);
// The kind whose digests are `size` bytes long (20, 32, 48, 64); SHA-384 for any other size.
[[nodiscard]] HashKind HashKindForSize(std::size_t size);
[[nodiscard]] std::size_t DigestSize(HashKind kind);

}  // namespace rack
