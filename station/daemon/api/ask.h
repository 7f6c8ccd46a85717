#pragma once
// How a gRPC thread asks the state thread, and waits for the answer.

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>

#include "station/base/result.h"

namespace station::daemon {

class StateThread {
 public:
  explicit StateThread(boost::asio::io_context& io) : io_(io) {}

  // `ask` runs on the state thread and calls its argument once, then or later; it has returned, or
  // will never run, when this returns. kUnavailable when the answer takes too long or the daemon
  // ends first.
  template <typename Answer>
  [[nodiscard]] Result<Answer> Ask(std::function<void(std::function<void(Result<Answer>)>)> ask) {
    struct Question {
      std::promise<Result<Answer>> promise;
      std::mutex asking;
      bool given_up = false;
    };
    // shared_ptr: a late answer must still find the promise after this thread gave up.
    const auto question = std::make_shared<Question>();
    std::future<Result<Answer>> future = question->promise.get_future();
    boost::asio::post(io_, [ask = std::move(ask), question] {
      const std::lock_guard lock(question->asking);
      if (question->given_up) return;
      ask([question](Result<Answer> answer) { question->promise.set_value(std::move(answer)); });
    });
    if (future.wait_for(kPatience) == std::future_status::ready) return future.get();
    const std::lock_guard lock(question->asking);
    question->given_up = true;
    return Fail(ErrorCode::kUnavailable, "the station is busy or ending");
  }

  // For questions that are answered at once.
  template <typename Answer>
  [[nodiscard]] Result<Answer> Read(std::function<Result<Answer>()> read) {
    return Ask<Answer>(
        [read = std::move(read)](std::function<void(Result<Answer>)> reply) { reply(read()); });
  }

 private:
  static constexpr std::chrono::seconds kPatience{20};
  boost::asio::io_context& io_;
};

}  // namespace station::daemon
