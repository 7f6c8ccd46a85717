#pragma once
// A file as an import's feed: read once, and copied as it is read.

#include "station/base/fd.h"
#include "station/fetcher/direct_copy.h"
#include "station/fetcher/feed.h"

namespace station::fetcher {

class FileFeed : public Feed {
 public:
  // Copies `source`, which has `size` bytes; borrows both.
  FileFeed(const Fd& source, std::uint64_t size, DirectCopy& copy)
      : source_(source), copy_(copy), preview_(source, size) {}

  [[nodiscard]] std::uint64_t Size() const override { return preview_.Size(); }
  [[nodiscard]] const firmware::ByteSource& Preview() const override { return preview_; }
  [[nodiscard]] Status Next(std::span<std::uint8_t> out) override;
  [[nodiscard]] Status End() override;

 private:
  const Fd& source_;
  DirectCopy& copy_;
  firmware::FileSource preview_;
  std::uint64_t offset_ = 0;
};

}  // namespace station::fetcher
