#pragma once
// A task's end of the link: gets its orders, sends progress and the end. When the daemon goes away
// the task goes on, tries to reach the next one now and then, and reports its end to that.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/fetcher/progress_pace.h"
#include "station/link/channel.h"
#include "worker/v1/worker.pb.h"

namespace station::fetcher {

class Reporter {
 public:
  Reporter(std::filesystem::path socket, std::string task)
      : socket_(std::move(socket)), task_(std::move(task)) {}

  // Connects and gets the orders.
  [[nodiscard]] Result<worker::v1::Welcome> Begin() { return SayHello(false, false); }
  // Anything the daemon said meanwhile that ends the task?
  [[nodiscard]] bool Cancelled();
  void Progress(std::uint64_t done, std::uint64_t total);
  // The last words. The daemon may have been restarted since: then one new connection is tried.
  void End(const std::vector<worker::v1::ToDaemon>& messages);
  [[nodiscard]] const std::string& Task() const { return task_; }

 private:
  [[nodiscard]] Result<worker::v1::Welcome> SayHello(bool resumed, bool finished);
  [[nodiscard]] bool Send(const worker::v1::ToDaemon& message);
  [[nodiscard]] bool SendAll(const std::vector<worker::v1::ToDaemon>& messages);
  void Close();
  void Lost();
  void LookForDaemon();

  std::filesystem::path socket_;
  std::string task_;
  std::optional<link::Channel> channel_;
  std::chrono::steady_clock::time_point looked_{};  // for another daemon, last
  ProgressPace pace_;
  bool cancelled_ = false;
};

}  // namespace station::fetcher
