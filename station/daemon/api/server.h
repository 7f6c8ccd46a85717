#pragma once
// The API's sockets: one per role, in run_dir; who may open which is decided by the files' groups.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "station/daemon/api/services.h"

namespace station::daemon {

struct SocketSettings {
  Role role;
  std::filesystem::path path;
  std::string group;  // empty: the process's own
};

class ApiServer {
 public:
  // Listens on each, with the health and reflection services, mode 0660. kConfigInvalid for a group
  // that is not there, kIo when a socket cannot be made.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> Start(
      const ApiParts& parts, const std::vector<SocketSettings>& sockets);
  ~ApiServer();

  // Calls that run get a moment; the sockets' files go.
  void Stop();

 private:
  struct Socket;
  ApiServer() = default;
  std::vector<std::unique_ptr<Socket>> sockets_;
};

}  // namespace station::daemon
