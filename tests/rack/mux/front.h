#pragma once
// All sockets of the one usbmuxd that the rack plays, and what can befall the daemon: it dies and
// is started again, or it hangs.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/rack/model/fault_line.h"
#include "tests/rack/mux/server.h"

namespace rack {

class MuxFront {
 public:
  MuxFront(MuxDevices& devices, PairRecords& records);
  ~MuxFront();
  MuxFront(const MuxFront&) = delete;
  MuxFront& operator=(const MuxFront&) = delete;

  // Opens a socket at `path` until Close. While the daemon is down it is there, but refuses.
  [[nodiscard]] station::Status Open(const std::string& path, std::optional<std::string> only);
  void Close(const std::string& path);

  // {"crash", "2"}, {"stall", "3"}, {"none"}. kBadRequest otherwise.
  [[nodiscard]] station::Status Fault(const std::vector<std::string>& words);
  [[nodiscard]] static std::vector<FaultLine> FaultLines();

 private:
  struct Socket {
    std::optional<std::string> only;
    std::unique_ptr<MuxServer> server;  // null while the daemon is down
  };

  // Every connection ends and every socket refuses, for that long.
  void Crash(std::chrono::milliseconds down);
  // Nothing is answered, sent or taken, for that long.
  void Stall(std::chrono::milliseconds still);
  void Recover();
  void RecoverWhenDue();
  void SetRecovery(std::chrono::milliseconds after);

  MuxDevices& devices_;
  PairRecords& records_;
  Gate gate_;
  std::mutex sockets_mutex_;
  std::map<std::string, Socket> sockets_;  // by path
  bool down_ = false;
  std::mutex timer_mutex_;
  std::condition_variable timer_changed_;
  std::optional<std::chrono::steady_clock::time_point> recovery_;
  bool stopped_ = false;
  std::thread timer_;
};

}  // namespace rack
