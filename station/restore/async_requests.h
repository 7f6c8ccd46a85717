#pragma once
// Requests the phone goes on talking beside: answered on a few threads, started as they are needed.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "station/base/result.h"

namespace station::restore {

class AsyncRequests {
 public:
  static constexpr std::size_t kMostThreads = 8;  // answers under way at once; further ones wait
  static constexpr std::size_t kMostWaiting = 256;

  AsyncRequests() = default;
  // What has not begun never does; what has is waited for (stop it first).
  ~AsyncRequests();
  AsyncRequests(const AsyncRequests&) = delete;
  AsyncRequests& operator=(const AsyncRequests&) = delete;

  // kRestoreDialogue when too many wait.
  [[nodiscard]] Status Start(std::function<Status()> work);
  // The first failure of any; it stays.
  [[nodiscard]] std::optional<Error> FirstError() const;

 private:
  void Serve();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<Status()>> waiting_;
  std::optional<Error> first_error_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace station::restore
