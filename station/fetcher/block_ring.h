#pragma once
// File blocks on their way from the thread that takes them in to those that digest them. Every
// reader sees every block, in order; a buffer is used again once all have done with it, so memory
// stays at kBlocks of them.

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace station::fetcher {

class BlockRing {
 public:
  static constexpr std::size_t kBlocks = 8;
  static constexpr std::size_t kReaders = 2;
  struct Block {
    std::uint64_t offset = 0;
    std::vector<std::uint8_t> bytes;
  };

  // To be filled; waits until one is free. Nobody sees it before Push.
  [[nodiscard]] Block& Free() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pushed_ < std::ranges::min(done_) + kBlocks; });
    return blocks_[pushed_ % kBlocks];
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
  template <typename Step>
  void Change(Step step) {
    const std::scoped_lock lock(mutex_);
    step();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Block, kBlocks> blocks_;
  std::uint64_t pushed_ = 0;
  std::array<std::uint64_t, kReaders> done_{};
  bool closed_ = false;
};

}  // namespace station::fetcher
