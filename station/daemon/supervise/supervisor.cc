#include "station/daemon/supervise/supervisor.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/post.hpp>

#include "station/base/log.h"
#include "station/daemon/supervise/messages.h"
#include "station/daemon/supervise/process.h"

namespace station::daemon {

using boost::asio::posix::stream_descriptor;

Supervisor::Supervisor(boost::asio::io_context& io, SupervisorSettings settings)
    : io_(io), settings_(std::move(settings)) {}

Supervisor::~Supervisor() { Close(); }

Status Supervisor::Open(TaskListener& listener) {
  listener_ = &listener;
  STATION_TRY(socket, link::Listen(settings_.socket));
  socket_ = std::move(socket);
  acceptor_ = std::make_unique<stream_descriptor>(io_, socket_.Get());
  Accept();
  return {};
}

void Supervisor::Close() {
  open_.reset();
  if (acceptor_) acceptor_->release();
  acceptor_.reset();
  socket_.Close();
  for (const auto& stranger : strangers_) stranger->Close();
  strangers_.clear();
  for (auto& [name, process] : running_)
    if (process.connection) process.connection->Close();
  running_.clear();
}

void Supervisor::Accept() {
  const auto accept = [this, open = std::weak_ptr(open_)](const boost::system::error_code& error) {
    if (error || open.expired()) return;
    while (true) {
      Fd peer(::accept4(socket_.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!peer.Valid()) break;
      const auto connection = Connection::Make(
          io_, std::move(peer),
          [this](Connection& from, auto message) { OnMessage(from, std::move(message)); });
      strangers_.insert(connection);
      connection->Listen();
    }
    Accept();
  };
  acceptor_->async_wait(stream_descriptor::wait_read, accept);
}

Status Supervisor::Start(Task task) {
  const std::string name = task.name;
  const auto& program = IsFetchers(task) ? settings_.fetcher_program : settings_.worker_program;
  STATION_TRY(pid, StartDetached(program, {"--link", settings_.socket, "--task", name},
                                 settings_.log_dir / (name + ".log")));
  Running_& process = running_[name] = Running_{};
  process.pid = pid;
  process.ours = true;
  process.task = std::move(task);
  Log(LogLevel::kInfo, "process started", {{"task", name}, {"pid", std::to_string(pid)}});
  Watch(name, process);
  Count();
  return {};
}

void Supervisor::Count() const {
  if (settings_.on_count) settings_.on_count(running_.size());
}

bool Supervisor::Adopt(const std::string& task, pid_t pid) {
  Running_& process = running_[task] = Running_{};
  process.pid = pid;
  const bool alive = Watch(task, process);
  if (!alive) running_.erase(task);
  Count();
  return alive;
}

bool Supervisor::Watch(const std::string& name, Running_& process) {
  Result<Fd> fd = WatchProcess(process.pid);
  if (!fd) {
    LogError(LogLevel::kWarning, "cannot watch a process", fd.error(), {{"task", name}});
    return false;
  }
  process.exit = std::make_unique<stream_descriptor>(io_, fd->Release());
  process.exit->async_wait(stream_descriptor::wait_read,
                           [this, name, pid = process.pid,
                            open = std::weak_ptr(open_)](const boost::system::error_code& error) {
                             if (error || open.expired()) return;
                             const auto found = running_.find(name);
                             if (found != running_.end() && found->second.pid == pid) Exited(name);
                           });
  return true;
}

void Supervisor::Exited(const std::string& name) {
  if (const auto connection = running_[name].connection)
    connection->Drain();  // its last words come first
  const Running_ process = std::move(running_[name]);
  running_.erase(name);
  Count();
  int status = 0;
  if (process.ours) ::waitpid(process.pid, &status, WNOHANG);
  const bool clean = !process.ours || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
  Log(clean ? LogLevel::kInfo : LogLevel::kWarning, "process ended",
      {{"task", name},
       {"pid", std::to_string(process.pid)},
       {"status", WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                      : std::to_string(WEXITSTATUS(status))}});
  if (process.connection) process.connection->Close();
  listener_->OnGone(name);
}

void Supervisor::OnMessage(Connection& connection, std::optional<worker::v1::ToDaemon> message) {
  const auto self = connection.shared_from_this();
  if (!message) {
    strangers_.erase(self);
    const auto found = running_.find(connection.task);
    if (found != running_.end() && found->second.connection == self)
      found->second.connection.reset();
    return;
  }
  if (message->has_hello()) return OnHello(connection, message->hello());
  if (connection.task.empty())
    return Refuse(connection, ErrorCode::kBadRequest, "Hello comes first");
  Dispatch(connection.task, *message);
}

void Supervisor::Refuse(Connection& connection, ErrorCode code, const std::string& why) {
  worker::v1::ToWorker answer;
  answer.mutable_refused()->set_error_code(static_cast<std::uint32_t>(code));
  answer.mutable_refused()->set_context(why);
  LogError(LogLevel::kWarning, "a worker was refused", {code, why});
  static_cast<void>(connection.Send(answer));
  strangers_.erase(connection.shared_from_this());
  connection.Close();
}

void Supervisor::OnHello(Connection& connection, const worker::v1::Hello& hello) {
  if (hello.link_version() != link::kLinkVersion)
    return Refuse(connection, ErrorCode::kLinkVersion,
                  "link version " + std::to_string(hello.link_version()) + ", not " +
                      std::to_string(link::kLinkVersion));
  const auto found = running_.find(hello.task());
  if (found == running_.end())
    return Refuse(connection, ErrorCode::kNotFound,
                  "no task is called " + hello.task().substr(0, 40));
  Running_& process = found->second;
  if (!hello.resumed() && !process.task)
    return Refuse(connection, ErrorCode::kNotFound,
                  "the orders of " + hello.task() + " were given by an earlier daemon");
  const auto self = connection.shared_from_this();
  strangers_.erase(self);
  if (process.connection && process.connection != self) process.connection->Close();
  connection.task = hello.task();
  process.connection = self;
  worker::v1::ToWorker answer;
  std::vector<int> descriptors;
  if (hello.resumed()) {
    answer.mutable_welcome()->set_link_version(link::kLinkVersion);
    answer.mutable_welcome()->set_emergency_stop(emergency_stop_);
  } else {
    *answer.mutable_welcome() = WelcomeFor(*process.task, emergency_stop_);
    descriptors = DescriptorsFor(*process.task);
  }
  if (const Status sent = connection.Send(answer, descriptors); !sent)
    LogError(LogLevel::kWarning, "the orders could not be sent", sent.error(),
             {{"task", hello.task()}});
}

void Supervisor::Dispatch(const std::string& task, const worker::v1::ToDaemon& message) {
  using Case = worker::v1::ToDaemon::MessageCase;
  switch (message.message_case()) {
    case Case::kIdentified:
      return listener_->OnIdentified(task, FromMessage(message.identified()));
    case Case::kStepStarted:
      return listener_->OnStep(task, FromMessage(message.step_started()));
    case Case::kProgress:
      return listener_->OnProgress(task, FromMessage(message.progress()));
    case Case::kFinished:
      return listener_->OnFinished(task, FromMessage(message.finished()));
    case Case::kImported:
      return listener_->OnImported(task, FromMessage(message.imported()));
    case Case::kFound:
      return listener_->OnFound(task, FromMessage(message.found()));
    case Case::kHello:
    case Case::MESSAGE_NOT_SET:
      return;
  }
}

void Supervisor::Tell(const std::string& task, const worker::v1::ToWorker& message) {
  const auto found = running_.find(task);
  if (found == running_.end() || !found->second.connection) return;
  if (const Status sent = found->second.connection->Send(message); !sent)
    LogError(LogLevel::kWarning, "a worker does not listen", sent.error(), {{"task", task}});
}

void Supervisor::Cancel(const std::string& task) {
  worker::v1::ToWorker message;
  message.mutable_cancel();
  Tell(task, message);
}

void Supervisor::Kill(const std::string& task) {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  Log(LogLevel::kWarning, "process killed",
      {{"task", task}, {"pid", std::to_string(found->second.pid)}});
  ::kill(found->second.pid, SIGKILL);
}

void Supervisor::SetEmergencyStop(bool engaged) {
  emergency_stop_ = engaged;
  worker::v1::ToWorker message;
  message.mutable_emergency_stop()->set_engaged(engaged);
  for (const auto& [name, process] : running_) Tell(name, message);
}

}  // namespace station::daemon
