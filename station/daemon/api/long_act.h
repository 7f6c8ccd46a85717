#pragma once
// An act that takes long and says how far it is: the state thread tells, a gRPC thread writes it to
// the caller; only the latest counts. It goes on when the caller hangs up.

#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "station/base/result.h"
#include "station/daemon/api/answers.h"

namespace station::daemon {

template <typename Response>
class LongAct {
 public:
  void Tell(Response progress) {
    const std::lock_guard lock(mutex_);
    progress_ = std::move(progress);
  }
  void End(Result<Response> last) {
    const std::lock_guard lock(mutex_);
    last_ = std::move(last);
    wake_.notify_one();
  }
  // Until the end. CANCELLED when the caller hung up before.
  [[nodiscard]] grpc::Status Follow(const grpc::ServerContext& context,
                                    grpc::ServerWriter<Response>& writer) {
    while (!context.IsCancelled()) {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kReportInterval, [&] { return last_.has_value(); });
      const std::optional<Response> progress = std::exchange(progress_, std::nullopt);
      const std::optional<Result<Response>> last = last_;
      lock.unlock();
      if (last && !*last) return ToGrpc(last->error());
      if (last) return writer.Write(**last) ? grpc::Status::OK : grpc::Status::CANCELLED;
      if (progress && !writer.Write(*progress)) break;
    }
    return grpc::Status::CANCELLED;
  }

 private:
  static constexpr std::chrono::milliseconds kReportInterval{200};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Response> progress_;
  std::optional<Result<Response>> last_;
};

}  // namespace station::daemon
