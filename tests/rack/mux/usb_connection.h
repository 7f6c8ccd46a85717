#pragma once
// One connection over the cable: the phone's half of a TCP of its own, between segments and the
// socket at whose other end a service speaks. Not thread-safe; UsbMux guards it.

#include <cstdint>
#include <optional>
#include <vector>

#include "station/base/fd.h"
#include "tests/rack/mux/usb_packet.h"

namespace rack {

class UsbMuxConnection {
 public:
  // `socket`: non-blocking, the service's peer. Made by a SYN, to be answered with NextSegment.
  UsbMuxConnection(const UsbMuxSegment& syn, station::Fd socket);

  [[nodiscard]] bool Matches(const UsbMuxSegment& segment) const {
    return !host_closed_ && segment.source == host_port_ && segment.target == phone_port_;
  }
  // From the host. False: against the rules (or a reset), and over.
  [[nodiscard]] bool Take(const UsbMuxSegment& segment);
  // Nothing more comes from the host, nothing more goes there.
  void HostClosed() { host_closed_ = true; }

  // Hands on what the host has sent as far as the service's socket takes it.
  void Drain();
  // poll's events for the socket; 0 while there is nothing to wait for.
  [[nodiscard]] short Wanted() const;
  // The service has spoken: not to be waited for again before NextSegment has looked.
  void NoteReadable() { readable_ = true; }
  [[nodiscard]] int Socket() const { return socket_.Get(); }
  // Both directions have come to their end.
  [[nodiscard]] bool Over() const;

  // What the phone says next: the answer to the SYN, data, an acknowledgement, a reset at the end
  // of the service. The payload lies in this object until the next call. Nothing: nothing to say.
  [[nodiscard]] std::optional<UsbMuxSegment> NextSegment();

 private:
  [[nodiscard]] std::uint32_t Window() const;
  [[nodiscard]] UsbMuxSegment Segment(std::uint8_t flags) const;
  [[nodiscard]] std::size_t Sendable() const;

  const std::uint16_t host_port_;
  const std::uint16_t phone_port_;
  station::Fd socket_;
  bool greeted_ = false;      // SYN|ACK said
  bool established_ = false;  // and acknowledged
  bool acknowledge_ = false;
  bool readable_ = false;
  bool service_ended_ = false;
  bool reset_said_ = false;
  bool host_closed_ = false;
  std::uint32_t received_ = 0;  // next byte expected from the host
  std::uint32_t sent_ = 0;      // the phone's first is 0 (the host never reads it)
  std::uint32_t sent_acknowledged_ = 0;
  std::uint32_t host_window_ = 0;
  std::vector<std::uint8_t> backlog_;  // from the host, not yet taken by the service
  std::size_t backlog_start_ = 0;
  std::vector<std::uint8_t> payload_;
};

}  // namespace rack
