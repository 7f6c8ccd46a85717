#include "station/daemon/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace station::daemon {

Result<Fd> LockInstance(const std::filesystem::path& run_dir) {
  const std::filesystem::path path = run_dir / "stationd.lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.Valid()) return FailErrno("opening " + path.string(), errno);
  if (::flock(fd.Get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return FailErrno("locking " + path.string(), errno);
  return Fail(ErrorCode::kAlreadyExists, "another stationd runs on " + run_dir.string());
}

}  // namespace station::daemon
