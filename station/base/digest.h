#pragma once
// Message digests (OpenSSL: the machine's SHA instructions are used where there are any).

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "station/base/ids.h"

namespace station {

enum class DigestKind { kSha1, kSha256, kSha384 };
[[nodiscard]] std::size_t DigestSize(DigestKind kind);  // bytes

// Incremental; after Finish it starts afresh.
class Hasher {
 public:
  explicit Hasher(DigestKind kind);
  void Update(std::span<const std::uint8_t> bytes);
  // Writes exactly DigestSize(kind) bytes to `out`, which must be that long.
  void FinishInto(std::span<std::uint8_t> out);
  [[nodiscard]] std::vector<std::uint8_t> Finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  DigestKind kind_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

[[nodiscard]] std::vector<std::uint8_t> DigestOf(DigestKind kind, std::span<const std::uint8_t> bytes);
[[nodiscard]] Sha256Digest Sha256Of(std::span<const std::uint8_t> bytes);
[[nodiscard]] Sha1Digest Sha1Of(std::span<const std::uint8_t> bytes);

}  // namespace station
