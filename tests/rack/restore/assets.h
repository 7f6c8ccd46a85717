#pragma once
// Keys of encrypted disk images: a phone reads from the image's head where its key lies, and has
// its host fetch it (reference 3.7, 6.7).

#include <expected>
#include <optional>
#include <span>
#include <string>

#include "tests/rack/restore/dialogue.h"

namespace rack {

[[nodiscard]] std::string NewUuid();

// How many bytes the head of this archive has, from its first 12 bytes on; nothing when it is no
// encrypted archive.
[[nodiscard]] std::optional<std::size_t> ArchiveHeadSize(std::span<const std::uint8_t> beginning);
// The address that the head of an encrypted archive names; nothing when it names none.
[[nodiscard]] std::optional<std::string> KeyUrlIn(std::span<const std::uint8_t> beginning);
// Arguments of URLAsset.
[[nodiscard]] Value KeyRequest(const std::string& url);
// Whether the host brought the key that lies at `url`. When it did not, it is asked once more with
// StreamedImageDecryptionKey, if it knows that.
[[nodiscard]] std::expected<void, Refusal> CheckKey(const Dialogue::Answer& answer,
                                                    const std::string& url, Dialogue& dialogue);

}  // namespace rack
