#include "station/base/digest.h"

namespace station {
namespace {

const EVP_MD* Algorithm(DigestKind kind) {
  switch (kind) {
    case DigestKind::kSha1: return EVP_sha1();
    case DigestKind::kSha256: return EVP_sha256();
    case DigestKind::kSha384: return EVP_sha384();
  }
  return EVP_sha256();
}

}  // namespace

std::size_t DigestSize(DigestKind kind) {
  switch (kind) {
    case DigestKind::kSha1: return 20;
    case DigestKind::kSha256: return 32;
    case DigestKind::kSha384: return 48;
  }
  return 0;
}

Hasher::Hasher(DigestKind kind) : kind_(kind), context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_.get(), Algorithm(kind_), nullptr);
}

void Hasher::Update(std::span<const std::uint8_t> bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

void Hasher::FinishInto(std::span<std::uint8_t> out) {
  EVP_DigestFinal_ex(context_.get(), out.data(), nullptr);
  EVP_DigestInit_ex(context_.get(), Algorithm(kind_), nullptr);
}

std::vector<std::uint8_t> Hasher::Finish() {
  std::vector<std::uint8_t> digest(DigestSize(kind_));
  FinishInto(digest);
  return digest;
}

std::vector<std::uint8_t> DigestOf(DigestKind kind, std::span<const std::uint8_t> bytes) {
  Hasher hasher(kind);
  hasher.Update(bytes);
  return hasher.Finish();
}

Sha256Digest Sha256Of(std::span<const std::uint8_t> bytes) {
  Sha256Digest digest;
  Hasher hasher(DigestKind::kSha256);
  hasher.Update(bytes);
  hasher.FinishInto(digest);
  return digest;
}

Sha1Digest Sha1Of(std::span<const std::uint8_t> bytes) {
  Sha1Digest digest;
  Hasher hasher(DigestKind::kSha1);
  hasher.Update(bytes);
  hasher.FinishInto(digest);
  return digest;
}

}  // namespace station
