#pragma once
// A program that knows nothing of the rack, run in one of its worlds.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "tests/rack/usb/usb_bus.h"

namespace rack {

class Client {
 public:
  // Starts `command` (looked up in PATH) under the preload; its output and errors are captured
  // together.
  Client(const World& world, std::vector<std::string> command);
  // Kills it if it still runs.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The next line without its end; nothing at the end of the output or after 20 s.
  std::optional<std::string> ReadLine();
  // Reads on until a line begins with `start`; nothing if none came.
  std::optional<std::string> ReadLineStarting(const std::string& start);
  // The rest of the output, up to the end.
  std::string ReadAll();
  void Kill();
  // The exit status; 128 + number for a signal.
  int Wait();

 private:
  bool ReadMore();

  pid_t pid_ = -1;
  station::Fd output_;
  std::string unread_;
};

// Runs to the end: all output.
std::string RunClient(const World& world, std::vector<std::string> command);
// The libusb program built beside these tests.
std::string ProbePath();
// Is the preload there to be loaded?
bool PreloadInstalled();

}  // namespace rack
