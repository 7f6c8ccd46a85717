#include "tests/rack/mux/usb_mux.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace rack {
namespace {

constexpr std::uint8_t kOutEndpoint = 0x04;
constexpr std::uint8_t kInEndpoint = 0x85;
constexpr std::uint8_t kSetupBody = 0x07;

}  // namespace

UsbMux::UsbMux(std::shared_ptr<Attachment> attachment, UsbSpeed speed, std::function<void()> ready)
    : attachment_(std::move(attachment)),
      packet_size_(speed == UsbSpeed::kSuper5G ? 1024 : 512),
      ready_(std::move(ready)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  pump_ = std::thread([this] { Pump(); });
}

UsbMux::~UsbMux() {
  End();
  pump_.join();
  for (Running& service : running_) service.thread.join();
}

std::optional<std::vector<std::uint8_t>> UsbMux::Control(const SetupPacket&,
                                                         std::span<const std::uint8_t>) {
  return std::nullopt;
}

void UsbMux::WakePump() const { eventfd_write(wake_.Get(), 1); }

void UsbMux::End() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  StartOver();
}

bool UsbMux::Finished() {
  const std::lock_guard lock(mutex_);
  Reap();
  return running_.empty();
}

void UsbMux::PortReset() {
  const std::lock_guard lock(mutex_);
  StartOver();
}

void UsbMux::StartOver() {
  set_up_ = false;
  sequence_ = {};
  incoming_.clear();
  outgoing_.clear();
  outgoing_start_ = 0;
  connections_.clear();
  WakePump();
}

// A packet goes on until a short one: a host that forgets the zero-length packet after a full one
// runs two of its packets together, and loses both (reference 1.6).
bool UsbMux::BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> data) {
  if (endpoint != kOutEndpoint) return false;
  const std::lock_guard lock(mutex_);
  if (ended_) return false;
  const bool whole = data.size() % packet_size_ != 0 || data.empty();
  if (whole && incoming_.empty()) {
    Handle(data);
  } else {
    if (incoming_.size() + data.size() > kLongestUsbMuxPacket) {
      incoming_.clear();
      return false;
    }
    incoming_.insert(incoming_.end(), data.begin(), data.end());
    if (!whole) return true;
    Handle(incoming_);
    incoming_.clear();
  }
  WakePump();
  return true;
}

void UsbMux::Handle(std::span<const std::uint8_t> transfer) {
  const auto packet = ParseUsbMuxPacket(transfer);
  if (!packet) {
    if (!transfer.empty()) spdlog::warn("usbmux: {} bytes that are no packet", transfer.size());
    return;
  }
  switch (packet->protocol) {
    case UsbMuxProtocol::kVersion:
      // Also from a host that was killed and has come back: nothing of the old one counts.
      StartOver();
      if (const auto version = ParseUsbMuxVersion(packet->body))
        outgoing_.push_back(
            UsbMuxVersionPacket({std::min(version->major, kUsbMuxMajor), version->minor}));
      return;
    case UsbMuxProtocol::kSetup:
      set_up_ = packet->body.size() == 1 && packet->body[0] == kSetupBody;
      sequence_.received = packet->sequence.sent;
      return;
    case UsbMuxProtocol::kTcp:
      if (!set_up_) return;
      sequence_.received = packet->sequence.sent;
      if (const auto segment = ParseUsbMuxSegment(packet->body)) HandleSegment(*segment);
      return;
    case UsbMuxProtocol::kControl:
      return;
  }
}

void UsbMux::HandleSegment(const UsbMuxSegment& segment) {
  const auto found = std::ranges::find_if(
      connections_, [&](const auto& connection) { return connection->Matches(segment); });
  if (found == connections_.end()) {
    if (segment.flags == UsbMuxSegment::kSyn) return Connect(segment);
    if ((segment.flags & UsbMuxSegment::kReset) == 0) Refuse(segment);
    return;
  }
  const bool reset = segment.flags != UsbMuxSegment::kAck;
  if (!(*found)->Take(segment) && !reset) Refuse(segment);
}

void UsbMux::Connect(const UsbMuxSegment& syn) {
  const Attachment::Service service = attachment_->Find(syn.target);
  std::array<int, 2> pair{};
  if (!service || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return Refuse(syn);
  station::Fd ours(pair[0]);
  auto stream = std::make_shared<Stream>(station::Fd(pair[1]));
  if (!attachment_->Join(stream)) return Refuse(syn);
  connections_.push_back(std::make_shared<UsbMuxConnection>(syn, std::move(ours)));
  Reap();
  Running& running = running_.emplace_back();
  running.thread = std::thread([&running, service, stream = std::move(stream)]() mutable {
    service(stream);
    stream.reset();
    running.done = true;
  });
}

void UsbMux::Refuse(const UsbMuxSegment& segment) {
  Say({.source = segment.target,
       .target = segment.source,
       .sequence = 0,
       .acknowledged = segment.sequence + 1,
       .flags = UsbMuxSegment::kReset});
}

void UsbMux::Say(const UsbMuxSegment& segment) {
  outgoing_.push_back(UsbMuxSegmentPacket(sequence_, segment));
  ++sequence_.sent;
}

void UsbMux::Reap() {
  std::erase_if(running_, [](Running& service) {
    if (!service.done) return false;
    service.thread.join();
    return true;
  });
}

// One packet of each connection in turn, so that none waits behind another's stream.
void UsbMux::FillOutgoing() {
  for (const auto& connection : connections_)
    if (const auto segment = connection->NextSegment()) Say(*segment);
  WakePump();  // what it waits for has changed
  std::erase_if(connections_, [](const auto& connection) { return connection->Over(); });
}

// Each packet ends its transfer; on a wire a full one is followed by a zero-length packet.
std::vector<std::uint8_t> UsbMux::BulkIn(std::uint8_t endpoint, std::size_t size) {
  if (endpoint != kInEndpoint) return {};
  const std::lock_guard lock(mutex_);
  if (outgoing_.empty()) FillOutgoing();
  if (outgoing_.empty()) return {};
  const std::vector<std::uint8_t>& packet = outgoing_.front();
  const auto from = packet.begin() + static_cast<std::ptrdiff_t>(outgoing_start_);
  const std::size_t count = std::min(size, packet.size() - outgoing_start_);
  std::vector<std::uint8_t> piece(from, from + static_cast<std::ptrdiff_t>(count));
  outgoing_start_ += count;
  if (outgoing_start_ == packet.size()) {
    outgoing_.pop_front();
    outgoing_start_ = 0;
  }
  return piece;
}

// Waits for what services say or take, and tells the bus; segments are made when the host asks.
void UsbMux::Pump() {
  while (true) {
    std::vector<pollfd> waiting{{wake_.Get(), POLLIN, 0}};
    std::vector<std::shared_ptr<UsbMuxConnection>> polled;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      for (const auto& connection : connections_) {
        const short events = connection->Wanted();
        if (events == 0) continue;
        waiting.push_back({connection->Socket(), events, 0});
        polled.push_back(connection);
      }
    }
    poll(waiting.data(), waiting.size(), -1);
    bool spoken = false;
    if (waiting[0].revents != 0) {
      eventfd_t woken = 0;
      eventfd_read(wake_.Get(), &woken);
    }
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t at = 0; at < polled.size(); ++at) {
        if ((waiting[at + 1].revents & POLLOUT) != 0) polled[at]->Drain();
        if ((waiting[at + 1].revents & POLLIN) != 0) polled[at]->NoteReadable();
        spoken = spoken || waiting[at + 1].revents != 0;
      }
      std::erase_if(connections_, [](const auto& connection) { return connection->Over(); });
    }
    if (spoken) ready_();
  }
}

}  // namespace rack
