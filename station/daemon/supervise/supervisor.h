#pragma once
// Starts workers and fetchers, gives them their orders, hears their reports, notices their end.
// They outlive the daemon: one that comes back after a restart is taken as it is.

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "station/daemon/supervise/connection.h"
#include "station/daemon/supervise/tasks.h"

namespace station::daemon {

struct SupervisorSettings {
  std::filesystem::path worker_program;
  std::filesystem::path fetcher_program;
  std::filesystem::path socket;                       // run_dir/worker.sock
  std::filesystem::path log_dir;                      // one file per task
  std::function<void(std::size_t running)> on_count;  // whenever that changed
};

class Supervisor : public Workers {
 public:
  Supervisor(boost::asio::io_context& io, SupervisorSettings settings);
  ~Supervisor() override;

  // Listens on the socket; reports go to `listener` from then on.
  [[nodiscard]] Status Open(TaskListener& listener);
  // Takes over a process an earlier daemon started. False when it has ended meanwhile.
  bool Adopt(const std::string& task, pid_t pid);
  void Close();

  [[nodiscard]] Status Start(Task task) override;
  void Cancel(const std::string& task) override;
  void Kill(const std::string& task) override;
  void SetEmergencyStop(bool engaged) override;

  [[nodiscard]] std::size_t Running() const { return running_.size(); }

 private:
  struct Running_ {
    pid_t pid = 0;
    bool ours = false;         // a child of this process: it is waited for
    std::optional<Task> task;  // absent when adopted: it has its orders
    std::shared_ptr<Connection> connection;
    std::unique_ptr<boost::asio::posix::stream_descriptor> exit;  // a pidfd
  };
  bool Watch(const std::string& name, Running_& process);
  void Exited(const std::string& name);
  void Accept();
  void OnMessage(Connection& connection, std::optional<worker::v1::ToDaemon> message);
  void OnHello(Connection& connection, const worker::v1::Hello& hello);
  void Refuse(Connection& connection, ErrorCode code, const std::string& why);
  void Dispatch(const std::string& task, const worker::v1::ToDaemon& message);
  void Count() const;
  void Tell(const std::string& task, const worker::v1::ToWorker& message);

  boost::asio::io_context& io_;
  SupervisorSettings settings_;
  TaskListener* listener_ = nullptr;
  Fd socket_;
  std::unique_ptr<boost::asio::posix::stream_descriptor> acceptor_;
  std::map<std::string, Running_> running_;
  std::set<std::shared_ptr<Connection>> strangers_;  // connected, no Hello yet
  bool emergency_stop_ = false;
  // shared_ptr: what the io_context still has to say after Close() finds it gone.
  std::shared_ptr<int> open_ = std::make_shared<int>(0);
};

}  // namespace station::daemon
