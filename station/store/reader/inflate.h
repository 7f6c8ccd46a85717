#pragma once
// Inflates one deflated zip member piece by piece and holds it to what the directory says of it:
// never more bytes than announced, and in the end exactly those, with the announced CRC-32.

#include <zlib.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "station/base/result.h"

namespace station::store {

class Inflater {
 public:
  using Sink = std::function<Status(std::span<const std::uint8_t>)>;

  Inflater(std::uint64_t size, std::uint32_t crc32);
  // Passes what comes out to `sink`, in pieces, and any error of it on. kFirmwareMalformed.
  [[nodiscard]] Status Feed(std::span<const std::uint8_t> deflated, const Sink& sink);
  // After the last piece: was it all there? kFirmwareMalformed.
  [[nodiscard]] Status Finish() const;

 private:
  struct End {
    void operator()(z_stream* stream) const noexcept {
      ::inflateEnd(stream);
      delete stream;
    }
  };
  [[nodiscard]] Status Pass(std::size_t produced, const Sink& sink);

  std::unique_ptr<z_stream, End> stream_;  // zlib keeps its address
  std::vector<std::uint8_t> buffer_;
  std::uint64_t size_;
  std::uint64_t done_ = 0;
  std::uint32_t expected_crc32_;
  std::uint32_t crc32_ = 0;
  bool ended_ = false;
};

}  // namespace station::store
