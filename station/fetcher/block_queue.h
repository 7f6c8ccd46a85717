#pragma once
// A bounded queue of file blocks between the thread that copies and the one that looks into the
// copy. Buffers are recycled, so memory stays at kBlocks of them.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace station::fetcher {

struct Block {
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
};

class BlockQueue {
 public:
  static constexpr std::size_t kBlocks = 8;

  // An empty buffer; waits until one is free.
  [[nodiscard]] std::vector<std::uint8_t> TakeBuffer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return made_ < kBlocks || !free_.empty(); });
    if (free_.empty()) {
      ++made_;
      return {};
    }
    std::vector<std::uint8_t> buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void Push(Block block) {
    const std::scoped_lock lock(mutex_);
    ready_.push_back(std::move(block));
    changed_.notify_all();
  }
  // No more will be pushed.
  void Close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  // Waits; nothing after the last one.
  [[nodiscard]] std::optional<Block> Pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !ready_.empty(); });
    if (ready_.empty()) return std::nullopt;
    Block block = std::move(ready_.front());
    ready_.pop_front();
    return block;
  }
  void GiveBack(std::vector<std::uint8_t> buffer) {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(buffer));
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> ready_;
  std::vector<std::vector<std::uint8_t>> free_;
  std::size_t made_ = 0;
  bool closed_ = false;
};

}  // namespace station::fetcher
