#pragma once
// An image on its way into a boot stage: looked at as it begins, judged when it is whole.

#include <expected>
#include <span>
#include <string_view>

#include "tests/rack/model/phone.h"

namespace rack {

// Whether a fault wants the transfer refused that begins with these bytes; says so in `status`.
[[nodiscard]] bool RefusesSend(Phone& phone, std::span<const std::uint8_t> beginning);

// An upload as the recording has it: its kind names the type of image, where one can be seen.
void RecordUpload(const Phone& phone, std::string_view channel,
                  std::span<const std::uint8_t> bytes);

// Verifies a whole image against the phone as it stands, damaged first where a fault wants that.
// The result looks into `image`.
[[nodiscard]] std::expected<VerifiedImage, Refusal> JudgeImage(Phone& phone, Bytes& image,
                                                               const Verifier::TypeTest& accepts);

// Says in `status` why an image was refused, and remembers the first one of this boot.
void RefuseImage(Phone& phone, Refusal refusal);
// Hosts go on after a refusal, and what they are refused next only follows from it: then `status`
// names the cause.
[[nodiscard]] Refusal TracedBack(const Phone& phone, Refusal refusal);

}  // namespace rack
