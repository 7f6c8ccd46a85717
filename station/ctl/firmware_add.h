#pragma once
// Taking firmware in, as several commands do it, and how far it is.

#include <string>
#include <vector>

#include "station/ctl/command.h"

namespace station::ctl {

// Draws progress, on a terminal over itself, else every tenth.
class ImportProgress {
 public:
  explicit ImportProgress(Terminal& terminal) : terminal_(terminal) {}
  void Show(const v1::AddFirmwareResponse& response);
  void End();

 private:
  Terminal& terminal_;
  bool said_it_waits_ = false;
  int tenth_ = -1;
  bool open_line_ = false;
};

struct AddOptions {
  std::vector<std::string> sources;  // one file, or addresses of one file
  std::string sha256;
  std::string sha1;
};
[[nodiscard]] Answer<ExitCode> AddFirmware(const Invocation& invocation, Terminal& terminal,
                                           const AddOptions& options);

}  // namespace station::ctl
