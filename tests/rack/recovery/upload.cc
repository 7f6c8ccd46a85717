#include "tests/rack/recovery/upload.h"

#include <algorithm>
#include <array>

namespace rack {
namespace {

// IMG4 { "IMG4", IM4P { "IM4P", type, ...: the type stands in the first few bytes. Empty when it
// does not.
std::string BeginningType(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kFourCc = 4;
  constexpr std::size_t kWithin = 64;
  constexpr auto kBefore = std::to_array<std::uint8_t>({'I', 'M', '4', 'P', 0x16, kFourCc});
  const auto found = std::ranges::search(bytes.first(std::min(bytes.size(), kWithin)), kBefore);
  const auto rest = std::span(found.end(), bytes.end());
  if (found.empty() || rest.size() < kFourCc) return "";
  return std::string(AsText(rest.first(kFourCc)));
}

}  // namespace

bool RefusesSend(Phone& phone, std::span<const std::uint8_t> beginning) {
  const std::string type = BeginningType(beginning);
  if (!phone.TakeSendRefusal(type)) return false;
  phone.Refuse({Reason::kSendRefused, "the transfer of '" + type + "' was stalled"});
  return true;
}

void RecordUpload(const Phone& phone, std::string_view channel,
                  std::span<const std::uint8_t> bytes) {
  const std::string type = BeginningType(bytes);
  phone.RecordPayload(channel, type.empty() ? "upload" : "upload " + type, bytes);
}

std::expected<VerifiedImage, Refusal> JudgeImage(Phone& phone, Bytes& image,
                                                 const Verifier::TypeTest& accepts) {
  if (image.empty())
    return std::unexpected(Refusal{Reason::kOrder, "nothing was uploaded before the command"});
  if (const auto type = ImageType(image); type && phone.TakeCorruption(*type))
    image[image.size() / 2] ^= 0x10U;
  const ChipIdentity chip = phone.Chip();
  return Verifier(phone.Root(), chip).CheckImage(image, accepts);
}

void RefuseImage(Phone& phone, Refusal refusal) {
  phone.Change([&](PhoneState& state) {
    if (state.boot.first_refusal.reason == Reason::kNone) state.boot.first_refusal = refusal;
  });
  phone.Refuse(std::move(refusal));
}

Refusal TracedBack(const Phone& phone, Refusal refusal) {
  const Refusal first = phone.State().boot.first_refusal;
  if (first.reason == Reason::kNone) return refusal;
  return {first.reason, refusal.detail + ", because: " + first.detail};
}

}  // namespace rack
