#include "tests/rack/mux/front.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace rack {
namespace {

constexpr FaultLine kCrash = {
    "crash [SECONDS]",
    "every connection ends and the sockets refuse; then it is back, with device ids from 1",
    "SECONDS are over (2)"};
constexpr FaultLine kStall = {"stall SECONDS", "nothing passes in either direction",
                              "SECONDS are over"};
constexpr FaultLine kNone = {"none", "it works again at once"};
constexpr std::chrono::seconds kRestart{2};
constexpr long kLongest = 3600;

std::optional<std::chrono::seconds> AsSeconds(const std::string& text) {
  char* end = nullptr;
  const long seconds = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || seconds < 0 || seconds > kLongest) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

MuxFront::MuxFront(MuxDevices& devices, PairRecords& records)
    : devices_(devices), records_(records), timer_([this] { RecoverWhenDue(); }) {}

MuxFront::~MuxFront() {
  {
    const std::lock_guard lock(timer_mutex_);
    stopped_ = true;
    timer_changed_.notify_all();
  }
  timer_.join();
  gate_.Open();  // who waits at it has to end
}

station::Status MuxFront::Open(const std::string& path, std::optional<std::string> only) {
  const std::lock_guard lock(sockets_mutex_);
  Socket& socket = sockets_[path];
  socket.only = std::move(only);
  if (down_) return {};
  STATION_TRY(server, MuxServer::Start(path, devices_, records_, gate_, socket.only));
  socket.server = std::move(server);
  return {};
}

void MuxFront::Close(const std::string& path) {
  std::unique_ptr<MuxServer> server;
  {
    const std::lock_guard lock(sockets_mutex_);
    const auto found = sockets_.find(path);
    if (found == sockets_.end()) return;
    server = std::move(found->second.server);
    sockets_.erase(found);
  }
  unlink(path.c_str());
}

station::Status MuxFront::Fault(const std::vector<std::string>& words) {
  const std::string name = words.empty() ? "" : words[0];
  const auto seconds = words.size() == 2 ? AsSeconds(words[1]) : std::nullopt;
  if (name == kCrash.Name() && (words.size() == 1 || seconds))
    return Crash(seconds.value_or(kRestart)), station::Status();
  if (name == kStall.Name() && seconds) return Stall(*seconds), station::Status();
  if (name == kNone.Name() && words.size() == 1) return Recover(), station::Status();
  return station::Fail(
      station::ErrorCode::kBadRequest,
      fmt::format("faults of the mux are: {}; {}; {}", kCrash.usage, kStall.usage, kNone.usage));
}

std::vector<FaultLine> MuxFront::FaultLines() { return {kCrash, kStall, kNone}; }

void MuxFront::Crash(std::chrono::milliseconds down) {
  std::vector<std::unique_ptr<MuxServer>> dead;
  {
    const std::lock_guard lock(sockets_mutex_);
    down_ = true;
    for (auto& [path, socket] : sockets_) dead.push_back(std::move(socket.server));
  }
  gate_.Open();  // a stall ends with its daemon
  devices_.CutConnections();
  dead.clear();
  spdlog::warn("mux=down seconds={}", down.count() / 1000);
  SetRecovery(down);
}

void MuxFront::Stall(std::chrono::milliseconds still) {
  gate_.Shut();
  spdlog::warn("mux=stalled seconds={}", still.count() / 1000);
  SetRecovery(still);
}

void MuxFront::Recover() {
  gate_.Open();
  const std::lock_guard lock(sockets_mutex_);
  if (down_) devices_.Renumber();
  down_ = false;
  for (auto& [path, socket] : sockets_) {
    if (socket.server) {
      socket.server->ReleaseNotices();
      continue;
    }
    auto server = MuxServer::Start(path, devices_, records_, gate_, socket.only);
    if (server)
      socket.server = std::move(*server);
    else
      spdlog::error("mux socket {}: {}", path, server.error().context);
  }
  spdlog::info("mux=up");
}

void MuxFront::SetRecovery(std::chrono::milliseconds after) {
  const std::lock_guard lock(timer_mutex_);
  recovery_ = std::chrono::steady_clock::now() + after;
  timer_changed_.notify_all();
}

void MuxFront::RecoverWhenDue() {
  std::unique_lock lock(timer_mutex_);
  while (!stopped_) {
    if (!recovery_) {
      timer_changed_.wait(lock);
    } else if (std::chrono::steady_clock::now() < *recovery_) {
      timer_changed_.wait_until(lock, *recovery_);
    } else {
      recovery_.reset();
      lock.unlock();
      Recover();
      lock.lock();
    }
  }
}

}  // namespace rack
