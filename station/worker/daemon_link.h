#pragma once
// The worker's line to stationd: reports go out, orders come in. The daemon may go away and come
// back: reports are then dropped (the journal has what matters) and the worker works on.

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "station/base/result.h"
#include "station/link/channel.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

struct Orders {
  station::worker::v1::Welcome welcome;
  std::vector<Fd> descriptors;
};

class DaemonLink {
 public:
  DaemonLink(std::filesystem::path socket, std::string task);

  // Hello and Welcome. kLinkLost, kLinkVersion, or the daemon's own refusal.
  [[nodiscard]] Result<Orders> Start();
  // Best effort: reconnects at most once a second when the line is down. Never blocks for long.
  void Report(const v1::ToDaemon& message);
  // Until the daemon has it, or `patience` is over; false then.
  bool ReportLast(const v1::ToDaemon& finished, std::chrono::seconds patience);

  // What the daemon said so far; reads what has arrived.
  struct Wishes {
    bool cancelled = false;
    bool emergency_stop = false;
  };
  [[nodiscard]] Wishes Poll();

 private:
  [[nodiscard]] Status Connect(bool resumed, Orders* orders);
  void ReconnectIfDown();
  void Take(const v1::ToWorker& message);

  const std::filesystem::path path_;
  const std::string task_;
  std::mutex mutex_;
  std::optional<link::Channel> channel_;
  Wishes wishes_;
  std::optional<v1::ToDaemon> current_step_;
  std::chrono::steady_clock::time_point next_attempt_{};
};

}  // namespace station::worker
