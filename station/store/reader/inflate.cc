#include "station/store/reader/inflate.h"

#include <algorithm>
#include <limits>
#include <new>

namespace station::store {
namespace {

constexpr std::size_t kBuffer = 128 * 1024;

std::unexpected<Error> Broken(std::string what) {
  return Fail(ErrorCode::kFirmwareMalformed, "inflating: " + std::move(what));
}

}  // namespace

Inflater::Inflater(std::uint64_t size, std::uint32_t crc32)
    : stream_(new z_stream{}), buffer_(kBuffer), size_(size), expected_crc32_(crc32) {
  // It fails only for want of memory: a negative window means deflate without a zlib header.
  if (::inflateInit2(stream_.get(), -MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

Status Inflater::Pass(std::size_t produced, const Sink& sink) {
  if (produced > size_ - done_)
    return Broken("more than the announced " + std::to_string(size_) + " bytes");
  done_ += produced;
  crc32_ = static_cast<std::uint32_t>(::crc32(crc32_, buffer_.data(), static_cast<uInt>(produced)));
  return produced == 0 ? Status() : sink({buffer_.data(), produced});
}

Status Inflater::Feed(std::span<const std::uint8_t> deflated, const Sink& sink) {
  while (!deflated.empty()) {
    if (ended_) return Broken("bytes after the end of the stream");
    const std::size_t offered =
        std::min<std::size_t>(deflated.size(), std::numeric_limits<uInt>::max());
    stream_->next_in = const_cast<Bytef*>(deflated.data());
    stream_->avail_in = static_cast<uInt>(offered);
    do {
      stream_->next_out = buffer_.data();
      stream_->avail_out = static_cast<uInt>(buffer_.size());
      const int result = ::inflate(stream_.get(), Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return Broken("the stream is broken");
      ended_ = result == Z_STREAM_END;
      STATION_CHECK(Pass(buffer_.size() - stream_->avail_out, sink));
    } while (!ended_ && stream_->avail_out == 0);
    deflated = deflated.subspan(offered - stream_->avail_in);
  }
  return {};
}

Status Inflater::Finish() const {
  if (!ended_) return Broken("the stream is cut short");
  if (done_ != size_)
    return Broken(std::to_string(done_) + " bytes instead of " + std::to_string(size_));
  if (crc32_ != expected_crc32_) return Broken("its CRC-32 is wrong");
  return {};
}

}  // namespace station::store
