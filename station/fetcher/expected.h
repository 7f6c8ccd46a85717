#pragma once
// What is known of a firmware file before its bytes are there.

#include <optional>

#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::fetcher {

struct Expected {
  std::optional<Sha256Digest> sha256;
  std::optional<Sha1Digest> sha1;
  [[nodiscard]] bool Anything() const { return sha256 || sha1; }
};

struct FileDigests {
  Sha256Digest sha256{};
  std::optional<Sha1Digest> sha1;  // when it was asked for
};

// kFirmwareHashMismatch.
[[nodiscard]] Status CheckDigests(const Expected& expected, const FileDigests& actual);

}  // namespace station::fetcher
