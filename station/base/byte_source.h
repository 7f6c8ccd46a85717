#pragma once
// Bytes that are passed on in order, piece by piece, and never held whole.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "station/base/result.h"

namespace station {

using ByteSink = std::function<Status(std::span<const std::uint8_t>)>;

struct ByteSource {
  std::uint64_t size = 0;  // bytes that `pass` hands to the sink in all
  // May be called again. Its own errors, and those of the sink.
  std::function<Status(const ByteSink& sink)> pass;
};

// Borrows the bytes.
[[nodiscard]] inline ByteSource SourceOf(std::span<const std::uint8_t> bytes) {
  return {bytes.size(), [bytes](const ByteSink& sink) { return sink(bytes); }};
}

[[nodiscard]] inline ByteSource SourceOf(std::string_view text) {
  return SourceOf({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// Cuts what comes into blocks of one size, the last one as long as what is left.
class BlockCutter {
 public:
  BlockCutter(std::size_t block, ByteSink sink) : block_(block), sink_(std::move(sink)) {
    pending_.reserve(block_);
  }
  [[nodiscard]] Status Feed(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const std::size_t taken = std::min(bytes.size(), block_ - pending_.size());
      pending_.insert(pending_.end(), bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      bytes = bytes.subspan(taken);
      if (pending_.size() == block_) STATION_CHECK(Flush());
    }
    return {};
  }
  // What is left, if anything.
  [[nodiscard]] Status Flush() {
    if (pending_.empty()) return {};
    auto taken = sink_(pending_);
    pending_.clear();
    return taken;
  }

 private:
  std::size_t block_;
  ByteSink sink_;
  std::vector<std::uint8_t> pending_;
};

}  // namespace station
