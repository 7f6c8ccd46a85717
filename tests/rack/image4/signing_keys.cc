#include "tests/rack/image4/signing_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cstdlib>
#include <filesystem>

#include "station/base/fd.h"
#include "tests/rack/image4/certificates.h"
#include "tests/rack/image4/constraints.h"

namespace rack {
namespace {

namespace fs = std::filesystem;
using station::ErrorCode;
using station::Fail;
using station::Result;
using Role = CertificateOrder::Role;

constexpr const char* kRoot = "root.pem";
constexpr const char* kIntermediate = "intermediate.pem";
constexpr const char* kIssuerKey = "issuer-key.pem";
constexpr const char* kLeafKey = "leaf-key.pem";

const char* IssuerName(const ChainShape& shape) {
  return shape.intermediate_name == nullptr ? shape.root_name : shape.intermediate_name;
}

// The root's own key is thrown away where an intermediate issues the leaves.
station::Status CreateSet(const ChainShape& shape, const fs::path& folder) {
  const auto new_key = [&] { return OwnedKey(EVP_RSA_gen(static_cast<unsigned>(shape.rsa_bits))); };
  const OwnedKey root_key = new_key();
  const OwnedKey intermediate_key = shape.intermediate_name == nullptr ? nullptr : new_key();
  const OwnedKey leaf_key = new_key();
  if (!root_key || !leaf_key) return Fail(ErrorCode::kInternal, "generating RSA keys");
  EVP_PKEY* issuer_key = intermediate_key ? intermediate_key.get() : root_key.get();
  const auto authority = [&](const char* name, EVP_PKEY* key) {
    return PemOf(Issue({.role = Role::kAuthority,
                        .name = name,
                        .issuer = shape.root_name,
                        .key = key,
                        .issuer_key = root_key.get()},
                       shape)
                     .get());
  };
  STATION_CHECK(station::WriteFileDurably(folder / kLeafKey, PemOf(leaf_key.get())));
  STATION_CHECK(station::WriteFileDurably(folder / kIssuerKey, PemOf(issuer_key)));
  if (intermediate_key)
    STATION_CHECK(station::WriteFileDurably(
        folder / kIntermediate, authority(shape.intermediate_name, intermediate_key.get())));
  // Last: it says that all is there.
  return station::WriteFileDurably(folder / kRoot, authority(shape.root_name, root_key.get()));
}

}  // namespace

struct SigningKeys::Set {
  const ChainShape* shape = nullptr;
  std::string root_pem;
  std::optional<Bytes> intermediate;  // DER
  OwnedKey issuer_key;
  OwnedKey leaf_key;

  static Result<std::shared_ptr<const Set>> Read(const ChainShape& shape, const fs::path& folder) {
    auto set = std::make_shared<Set>();
    set->shape = &shape;
    STATION_TRY(root_pem, station::ReadFile(folder / kRoot));
    STATION_TRY(issuer_pem, station::ReadFile(folder / kIssuerKey));
    STATION_TRY(leaf_pem, station::ReadFile(folder / kLeafKey));
    set->root_pem = root_pem;
    set->issuer_key = KeyFromPem(issuer_pem);
    set->leaf_key = KeyFromPem(leaf_pem);
    if (shape.intermediate_name != nullptr) {
      STATION_TRY(pem, station::ReadFile(folder / kIntermediate));
      if (const auto certificate = CertificateFromPem(pem))
        set->intermediate = DerOf(certificate.get());
    }
    if (!set->issuer_key || !set->leaf_key || !CertificateFromPem(root_pem) ||
        (shape.intermediate_name != nullptr && !set->intermediate))
      return Fail(ErrorCode::kIo, "signing keys unreadable in " + folder.string());
    return set;
  }
};

std::string DefaultKeyFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0') return std::string(cache) + "/station-rack";
  return std::string(home == nullptr ? "/tmp" : home) + "/.cache/station-rack";
}

Result<SigningKeys> SigningKeys::LoadOrCreate(const std::string& folder) {
  const fs::path path(folder);
  std::error_code error;
  fs::create_directories(path, error);
  const station::Fd lock(open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.Valid() || flock(lock.Get(), LOCK_EX) != 0)
    return station::FailErrno("locking " + folder, errno);
  SigningKeys keys;
  for (const HashKind hash : {HashKind::kSha1, HashKind::kSha384}) {
    const ChainShape& shape = ShapeOf(Generation{.hash = hash});
    const fs::path place = path / shape.folder;
    if (!fs::exists(place / kRoot, error)) {
      fs::create_directory(place, error);
      fs::permissions(place, fs::perms::owner_all, error);
      STATION_CHECK(CreateSet(shape, place));
    }
    STATION_TRY(set, Set::Read(shape, place));
    keys.sets_.emplace(hash, std::move(set));
  }
  return keys;
}

const SigningKeys::Set& SigningKeys::SetOf(const Generation& generation) const {
  return *sets_.at(generation.hash);
}

std::string SigningKeys::RootPem() const {
  std::string pem;
  for (const auto& [hash, set] : sets_) pem += set->root_pem;
  return pem;
}

Bytes SigningKeys::Sign(der::Span bytes, const Generation& generation) const {
  const Set& set = SetOf(generation);
  const OwnedDigest context(EVP_MD_CTX_new());
  Bytes signature(set.shape->SignatureSize());
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, set.shape->digest(), nullptr,
                         set.leaf_key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()) != 1)
    size = 0;
  signature.resize(size);
  return signature;
}

std::vector<Bytes> SigningKeys::Chain(const Generation& generation, std::uint32_t chip) const {
  return ChainWith(generation, chip, {.constraints = WriteLeafConstraints(chip)});
}

std::vector<Bytes> SigningKeys::ChainWith(const Generation& generation, std::uint32_t chip,
                                          const LeafShape& leaf) const {
  const Set& set = SetOf(generation);
  const auto made =
      Issue({.role = Role::kLeaf,
             .name = fmt::format("{:04X}-Rack-ManifestKey", chip),
             .issuer = IssuerName(*set.shape),
             .key = set.leaf_key.get(),
             .issuer_key = leaf.foreign_issuer ? set.leaf_key.get() : set.issuer_key.get(),
             .constraints = leaf.constraints,
             .expired = leaf.expired},
            *set.shape);
  std::vector<Bytes> chain;
  if (set.intermediate) chain.push_back(*set.intermediate);
  chain.push_back(DerOf(made.get()));
  return chain;
}

}  // namespace rack
