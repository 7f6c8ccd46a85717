#pragma once
// File blocks on their way from the thread that takes them in to those that digest them. Every
// reader sees every block, in order; a buffer is used again once all have done with it, so memory
// stays at kBlocks of them. The buffers are aligned for a write past the page cache.

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <span>

#include "station/fetcher/direct_copy.h"

namespace station::fetcher {

class BlockRing {
 public:
  static constexpr std::size_t kBlocks = 8;
  static constexpr std::size_t kReaders = 3;
  static constexpr std::align_val_t kAlignment{DirectCopy::kAlignment};
  struct Block {
    std::uint64_t offset = 0;
    std::span<std::uint8_t> bytes;
  };

  explicit BlockRing(std::size_t block_size)
      : block_size_(block_size),
        memory_(static_cast<std::uint8_t*>(::operator new(kBlocks* block_size, kAlignment))) {}

  // To be filled, `size` bytes of at most a block; waits until one is free. Nobody sees it before
  // Push.
  [[nodiscard]] std::span<std::uint8_t> Free(std::uint64_t offset, std::size_t size) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pushed_ < std::ranges::min(done_) + kBlocks; });
    const std::size_t slot = pushed_ % kBlocks;
    blocks_[slot] = {offset, {memory_.get() + slot * block_size_, std::min(size, block_size_)}};
    return blocks_[slot].bytes;
  }
  void Push() {
    Change([&] { ++pushed_; });
  }
  // No more will be pushed.
  void Close() {
    Change([&] { closed_ = true; });
  }

  // Waits; null after the last one. The block is the reader's until it calls Done.
  [[nodiscard]] const Block* Next(std::size_t reader) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || done_[reader] < pushed_; });
    return done_[reader] < pushed_ ? &blocks_[done_[reader] % kBlocks] : nullptr;
  }
  void Done(std::size_t reader) {
    Change([&] { ++done_[reader]; });
  }

 private:
  struct Release {
    void operator()(std::uint8_t* memory) const noexcept { ::operator delete(memory, kAlignment); }
  };
  template <typename Step>
  void Change(Step step) {
    const std::scoped_lock lock(mutex_);
    step();
    changed_.notify_all();
  }
  std::size_t block_size_;
  std::unique_ptr<std::uint8_t, Release> memory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Block, kBlocks> blocks_;
  std::uint64_t pushed_ = 0;
  std::array<std::uint64_t, kReaders> done_{};
  bool closed_ = false;
};

}  // namespace station::fetcher
