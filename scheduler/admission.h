#pragma once
// Who may work now: first come, first served, up to a limit.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <set>

namespace station::scheduler {

template <typename Id>
class Admission {
 public:
  explicit Admission(std::size_t limit) : limit_(limit) {}

  // Nobody is let in while closed (emergency stop, shutting down); who is in stays in.
  void SetOpen(bool open) { open_ = open; }

  void Enqueue(Id id) {
    if (!working_.contains(id) && std::ranges::find(queue_, id) == queue_.end())
      queue_.push_back(id);
  }
  // Takes it out, wherever it is; its slot is free again.
  void Remove(Id id) {
    std::erase(queue_, id);
    working_.erase(id);
  }
  // The next one that may go in, which is then in.
  [[nodiscard]] std::optional<Id> Next() {
    if (!open_ || queue_.empty() || working_.size() >= limit_) return std::nullopt;
    Id id = queue_.front();
    queue_.pop_front();
    working_.insert(id);
    return id;
  }
  // Is in without having queued: a job that outlived the daemon. May exceed the limit.
  void Adopt(Id id) { working_.insert(id); }

  [[nodiscard]] std::size_t Working() const { return working_.size(); }
  [[nodiscard]] std::size_t Queued() const { return queue_.size(); }
  [[nodiscard]] std::size_t Limit() const { return limit_; }

 private:
  std::size_t limit_;
  bool open_ = true;
  std::deque<Id> queue_;
  std::set<Id> working_;
};

}  // namespace station::scheduler
