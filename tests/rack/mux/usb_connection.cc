#include "tests/rack/mux/usb_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace rack {
namespace {

// What a host may send unread. The host stops at it, so it bounds memory and, with the round trip,
// the speed of an OS image.
constexpr std::uint32_t kWindow = 512U << 10U;
// Neither a whole number of the host's 16 KiB reads nor below one: it has to join the pieces.
constexpr std::size_t kLongestPayload = 24576 - 36;

}  // namespace

UsbMuxConnection::UsbMuxConnection(const UsbMuxSegment& syn, station::Fd socket)
    : host_port_(syn.source),
      phone_port_(syn.target),
      socket_(std::move(socket)),
      received_(syn.sequence + 1),
      host_window_(syn.window) {}

std::uint32_t UsbMuxConnection::Window() const {
  return kWindow - static_cast<std::uint32_t>(backlog_.size() - backlog_start_);
}

bool UsbMuxConnection::Take(const UsbMuxSegment& segment) {
  const bool in_order = segment.sequence == received_ && segment.payload.size() <= Window();
  const bool known = segment.acknowledged - sent_acknowledged_ <= sent_ - sent_acknowledged_;
  if (segment.flags != UsbMuxSegment::kAck || !greeted_ || !in_order || !known) {
    host_closed_ = true;
    return false;
  }
  established_ = true;
  sent_acknowledged_ = segment.acknowledged;
  host_window_ = segment.window;
  if (segment.payload.empty()) return true;
  received_ += static_cast<std::uint32_t>(segment.payload.size());
  acknowledge_ = true;
  backlog_.insert(backlog_.end(), segment.payload.begin(), segment.payload.end());
  Drain();
  return true;
}

void UsbMuxConnection::Drain() {
  const bool was_tight = Window() < kWindow / 2;
  while (backlog_start_ < backlog_.size()) {
    const ssize_t taken = send(socket_.Get(), backlog_.data() + backlog_start_,
                               backlog_.size() - backlog_start_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && errno != EAGAIN) backlog_start_ = backlog_.size();  // nobody reads any more
    if (taken <= 0) break;
    backlog_start_ += static_cast<std::size_t>(taken);
  }
  if (backlog_start_ == backlog_.size() || backlog_start_ > kWindow / 2) {
    backlog_.erase(backlog_.begin(),
                   backlog_.begin() + static_cast<std::ptrdiff_t>(backlog_start_));
    backlog_start_ = 0;
  }
  // The host may be waiting for room: it has to hear of it.
  if (was_tight && Window() >= kWindow / 2) acknowledge_ = true;
}

std::size_t UsbMuxConnection::Sendable() const {
  const std::uint32_t in_flight = sent_ - sent_acknowledged_;
  return in_flight < host_window_ ? host_window_ - in_flight : 0;
}

short UsbMuxConnection::Wanted() const {
  short events = 0;
  if (backlog_start_ < backlog_.size()) events |= POLLOUT;
  const bool open = established_ && !host_closed_ && !service_ended_;
  if (open && !readable_ && Sendable() > 0) events |= POLLIN;
  return events;
}

bool UsbMuxConnection::Over() const {
  return reset_said_ || (host_closed_ && backlog_start_ == backlog_.size());
}

UsbMuxSegment UsbMuxConnection::Segment(std::uint8_t flags) const {
  return {.source = phone_port_,
          .target = host_port_,
          .sequence = sent_,
          .acknowledged = received_,
          .flags = flags,
          .window = Window()};
}

std::optional<UsbMuxSegment> UsbMuxConnection::NextSegment() {
  readable_ = false;
  if (host_closed_ || reset_said_) return std::nullopt;
  if (!greeted_) {
    greeted_ = true;
    const UsbMuxSegment answer = Segment(UsbMuxSegment::kSyn | UsbMuxSegment::kAck);
    sent_ = 1;
    return answer;
  }
  if (established_ && !service_ended_ && Sendable() > 0) {
    payload_.resize(std::min(Sendable(), kLongestPayload));
    const ssize_t got = recv(socket_.Get(), payload_.data(), payload_.size(), MSG_DONTWAIT);
    if (got > 0) {
      UsbMuxSegment data = Segment(UsbMuxSegment::kAck);
      data.payload = std::span(payload_).first(static_cast<std::size_t>(got));
      sent_ += static_cast<std::uint32_t>(got);
      acknowledge_ = false;
      return data;
    }
    service_ended_ = got == 0 || (errno != EAGAIN && errno != EINTR);
  }
  if (service_ended_) {
    reset_said_ = true;
    return Segment(UsbMuxSegment::kReset);
  }
  if (!acknowledge_) return std::nullopt;
  acknowledge_ = false;
  return Segment(UsbMuxSegment::kAck);
}

}  // namespace rack
