#include "station/ctl/port_stream.h"

#include <algorithm>

namespace station::ctl {
namespace {

constexpr auto kRetry = std::chrono::seconds(1);
constexpr auto kSignalPoll = std::chrono::milliseconds(100);

// A signal handler has nothing but globals to speak through.
volatile std::sig_atomic_t g_end_asked = 0;

void AskToEnd(int) { g_end_asked = 1; }

}  // namespace

PortStream::PortStream(Client& client) : client_(client) {
  g_end_asked = 0;
  struct sigaction action {};
  action.sa_handler = AskToEnd;
  sigaction(SIGINT, &action, &old_interrupt_);
  sigaction(SIGTERM, &action, &old_terminate_);
  reader_ = std::jthread([this](const std::stop_token& stop) { Read(stop); });
}

PortStream::~PortStream() {
  reader_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }
  arrived_.notify_all();
  reader_.join();
  sigaction(SIGINT, &old_interrupt_, nullptr);
  sigaction(SIGTERM, &old_terminate_, nullptr);
}

void PortStream::Push(Event event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  arrived_.notify_all();
}

std::optional<PortStream::Event> PortStream::Next(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::unique_lock lock(mutex_);
  while (true) {
    if (g_end_asked != 0) return Stopped{};
    if (!events_.empty()) {
      Event event = std::move(events_.front());
      events_.pop_front();
      return event;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return std::nullopt;
    arrived_.wait_for(lock, std::min<std::chrono::steady_clock::duration>(end - now, kSignalPoll));
  }
}

void PortStream::Read(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    grpc::ClientContext context;
    {
      const std::lock_guard lock(mutex_);
      if (stop.stop_requested()) return;
      context_ = &context;
    }
    const auto stream = client_.Ports().WatchPorts(&context, v1::WatchPortsRequest());
    v1::WatchPortsResponse response;
    while (stream->Read(&response)) {
      if (response.has_port()) Push(Changed{response.port()});
      if (response.initial_state_complete()) Push(Current{});
    }
    const grpc::Status status = stream->Finish();
    std::unique_lock lock(mutex_);
    context_ = nullptr;
    if (stop.stop_requested()) return;
    events_.emplace_back(Lost{FailureFrom(status)});
    arrived_.notify_all();
    arrived_.wait_for(lock, stop, kRetry, [] { return false; });
  }
}

}  // namespace station::ctl
