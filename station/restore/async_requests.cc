#include "station/restore/async_requests.h"

namespace station::restore {

AsyncRequests::~AsyncRequests() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  threads_.clear();  // joins
}

Status AsyncRequests::Start(std::function<Status()> work) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() == kMostWaiting)
    return Fail(ErrorCode::kRestoreDialogue, "more asynchronous requests than can wait");
  waiting_.push_back(std::move(work));
  if (waiting_.size() > idle_ && threads_.size() < kMostThreads)
    threads_.emplace_back([this] { Serve(); });
  changed_.notify_one();
  return {};
}

std::optional<Error> AsyncRequests::FirstError() const {
  const std::lock_guard lock(mutex_);
  return first_error_;
}

void AsyncRequests::Serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (ending_) return;
    const auto work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    auto done = work();
    lock.lock();
    if (!done && !first_error_) first_error_ = std::move(done).error();
  }
}

}  // namespace station::restore
