#pragma once
// Starting, finding and watching processes.

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"

namespace station::daemon {

// Starts `program` in a session of its own, so that it outlives this process; no other descriptor
// than its standard ones goes along, standard output and error are appended to `log`. kWorkerStart.
[[nodiscard]] Result<pid_t> StartDetached(const std::filesystem::path& program,
                                          const std::vector<std::string>& arguments,
                                          const std::filesystem::path& log);

// Becomes readable when the process has ended. kWorkerDied when there is none.
[[nodiscard]] Result<Fd> WatchProcess(pid_t pid);

// Tasks that run for the worker socket `socket` right now, with their processes, from /proc: those
// started with
// "--link SOCKET --task NAME".
[[nodiscard]] std::map<std::string, pid_t> FindTasks(const std::filesystem::path& socket);

}  // namespace station::daemon
