#include "tests/rack/image4/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace rack {
namespace {

const EVP_MD* Algorithm(HashKind kind) {
  switch (kind) {
    case HashKind::kSha1:
      return EVP_sha1();
    case HashKind::kSha256:
      return EVP_sha256();
    case HashKind::kSha384:
      return EVP_sha384();
    case HashKind::kSha512:
      return EVP_sha512();
  }
  return EVP_sha384();
}

}  // namespace

void Hasher::Deleter::operator()(void* context) const {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context));
}

Hasher::Hasher(HashKind kind) : kind_(kind), context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_.get()), Algorithm(kind_), nullptr);
}

void Hasher::Add(std::span<const std::uint8_t> bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), bytes.size());
}

Bytes Hasher::Finish() {
  auto* context = static_cast<EVP_MD_CTX*>(context_.get());
  Bytes digest(DigestSize(kind_));
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  EVP_DigestInit_ex(context, Algorithm(kind_), nullptr);
  return digest;
}

Bytes Hash(HashKind kind, std::span<const std::uint8_t> bytes) {
  Hasher hasher(kind);
  hasher.Add(bytes);
  return hasher.Finish();
}

Bytes RandomBytes(std::size_t count) {
  Bytes bytes(count);
  RAND_bytes(bytes.data(), static_cast<int>(count));
  return bytes;
}

HashKind HashKindForSize(std::size_t size) {
  switch (size) {
    case 20:
      return HashKind::kSha1;
    case 32:
      return HashKind::kSha256;
    case 64:
      return HashKind::kSha512;
    default:
      return HashKind::kSha384;
  }
}

std::size_t DigestSize(HashKind kind) {
  return static_cast<std::size_t>(EVP_MD_size(Algorithm(kind)));
}

}  // namespace rack
