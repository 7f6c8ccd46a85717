#pragma once
// Where the bytes of an import come from: a file that is copied, or a download. Whatever it is,
// each byte lies in the entry's own copy once it has been handed out.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "station/base/result.h"
#include "station/firmware/zip_directory.h"

namespace station::fetcher {

class Feed {
 public:
  virtual ~Feed() = default;
  // Of the whole file, bytes.
  [[nodiscard]] virtual std::uint64_t Size() const = 0;
  // Any range of the file, before the pass: what the archive says of itself.
  [[nodiscard]] virtual const firmware::ByteSource& Preview() const = 0;
  // The next out.size() bytes of the file, in order; they are in the copy when this returns.
  [[nodiscard]] virtual Status Next(std::span<std::uint8_t> out) = 0;
  // After the last byte: kFirmwareUnreadable when the source has changed meanwhile.
  [[nodiscard]] virtual Status End() = 0;
};

}  // namespace station::fetcher
