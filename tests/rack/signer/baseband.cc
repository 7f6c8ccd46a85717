#include "tests/rack/signer/baseband.h"

#include <algorithm>

#include "tests/rack/side/baseband.h"
#include "tests/rack/side/ticket.h"

namespace rack {
namespace {

constexpr int kBadRequest = 8;
constexpr int kBadIdentity = 49;
constexpr std::size_t kNonceSize = 20;
constexpr const char* kDescriptions[] = {"BbSNUM", "BbChipID", "BbGoldCertId", "BasebandFirmware"};

std::unexpected<SigningRefusal> Refuse(int status, std::string reason) {
  return std::unexpected(SigningRefusal{status, std::move(reason)});
}

std::expected<void, SigningRefusal> Check(const Value& request) {
  if (!request.Number("ApECID")) return Refuse(kBadRequest, "baseband without ApECID");
  if (!request.Number("BbChipID")) return Refuse(kBadRequest, "no BbChipID");
  if (!request.Number("BbGoldCertId")) return Refuse(kBadRequest, "no BbGoldCertId");
  const Value* firmware = request.Find("BasebandFirmware");
  if (firmware == nullptr || firmware->AsDict() == nullptr || firmware->AsDict()->empty())
    return Refuse(kBadRequest, "no BasebandFirmware");
  const Bytes* serial = request.Data("BbSNUM");
  if (serial == nullptr || serial->empty()) return Refuse(kBadIdentity, "no usable BbSNUM");
  const Value* nonce = request.Find("BbNonce");
  if (nonce != nullptr && (nonce->AsBytes() == nullptr || nonce->AsBytes()->size() != kNonceSize))
    return Refuse(kBadIdentity, "BbNonce is no nonce");
  return {};
}

Value Bound(const Value& request, const Value& blobs) {
  Value bound = Value::Dict{};
  for (const auto& [key, value] : *request.AsDict())
    if (key.starts_with("Bb") || key == "ApECID" || key == "BasebandFirmware")
      bound.Set(key, value);
  Value digests = Value::Dict{};
  for (const auto& [key, blob] : *blobs.AsDict())
    digests.Set(key, Hash(HashKind::kSha256, *blob.AsBytes()));
  bound.Set("Blobs", std::move(digests));
  return bound;
}

}  // namespace

bool AsksForBaseband(const Value& request) {
  return request.Flag("@BBTicket") && std::ranges::any_of(kDescriptions, [&](const char* key) {
           return request.Find(key) != nullptr;
         });
}

std::expected<void, SigningRefusal> AddBasebandTicket(const Value& request, const SigningKeys& keys,
                                                      Value& answer) {
  if (auto checked = Check(request); !checked) return checked;
  const Value& firmware = *request.Find("BasebandFirmware");
  const std::uint64_t chip = *request.Number("BbChipID");
  const auto parts = BasebandParts(firmware, chip, std::nullopt);
  if (!parts) return Refuse(kBadRequest, "a digest of BasebandFirmware makes no sense");
  Value blobs = Value::Dict{};
  for (const BasebandPart& part : *parts)
    if (part.Signed())
      blobs.Set(part.blob_key,
                BlobFor(part, *firmware.Data(DigestKey(part)), chip, *request.Data("BbSNUM")));
  if (blobs.AsDict()->empty()) return Refuse(kBadRequest, "nothing of BasebandFirmware to sign");
  answer.Set("BBTicket", WriteSideTicket(keys, "BBTicket", Bound(request, blobs)));
  answer.Set("BasebandFirmware", std::move(blobs));
  return {};
}

}  // namespace rack
