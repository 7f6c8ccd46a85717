#pragma once
// A rack of its own for a test: the program itself, run as anybody would run it.

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/rack/wire/value.h"

namespace rack {

struct Finished {
  int code = 0;
  std::string output;  // both streams
};

// Runs to its end; killed (code 124) after `patience`.
[[nodiscard]] Finished RunProgram(const std::vector<std::string>& command,
                                  std::chrono::seconds patience = std::chrono::seconds(60));

class RackProcess {
 public:
  // Waits until the rack says "ready".
  explicit RackProcess(const std::string& cart);
  ~RackProcess();
  RackProcess(const RackProcess&) = delete;
  RackProcess& operator=(const RackProcess&) = delete;

  [[nodiscard]] bool Ready() const { return ready_; }
  [[nodiscard]] std::filesystem::path Folder() const { return folder_; }
  // `station-rack exec`, with one phone shown when named.
  [[nodiscard]] Finished Exec(const std::string& phone,
                              const std::vector<std::string>& command) const;
  // Any other command of station-rack.
  [[nodiscard]] Finished Do(const std::string& command,
                            const std::vector<std::string>& words) const;
  [[nodiscard]] Value Status(const std::string& phone) const;
  // Polls until the phone is as wanted; the last status seen.
  [[nodiscard]] Value AwaitStatus(const std::string& phone,
                                  const std::function<bool(const Value&)>& wanted,
                                  std::chrono::seconds patience = std::chrono::seconds(30)) const;
  // Ends the rack as SIGTERM does and starts it again on the same folder.
  void Restart();

 private:
  void Start();
  void Stop();

  std::filesystem::path folder_;
  pid_t pid_ = -1;
  bool ready_ = false;
};

// A forged IPSW for the manifest of that name, made once for a test program; removed at its end.
[[nodiscard]] const std::string& ForgedFirmware(const std::string& manifest);

}  // namespace rack
