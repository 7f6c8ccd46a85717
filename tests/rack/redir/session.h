#pragma once
// One connection of a usb-redir host: hello, a device that comes and goes, its transfers. Runs on
// the port's thread alone.

#include <usbredirparser.h>

#include <array>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>

#include "tests/rack/redir/port.h"

namespace rack {

class RedirSession {
 public:
  using Plugged = std::function<std::shared_ptr<const PluggedDevice>()>;

  // `fd` is non-blocking and outlives the session; `plugged` says what is on the cable now.
  RedirSession(int fd, Plugged plugged);

  // Shows the host what is plugged in, and answers IN transfers for which there is data now.
  void Progress();
  // False: the host has gone, or speaks nonsense.
  [[nodiscard]] bool Read();
  [[nodiscard]] bool Write();
  [[nodiscard]] bool HasOutput() const;

 private:
  struct Free {
    void operator()(usbredirparser* parser) const { usbredirparser_destroy(parser); }
  };
  struct WaitingIn {
    std::uint64_t id;  // the host's own, in no order: QEMU's are addresses
    usb_redir_bulk_packet_header header;
    std::size_t size;
  };
  struct Callbacks;

  void Connect(std::shared_ptr<const PluggedDevice> device);
  void Disconnect();
  void DescribeEndpoints();
  void Control(std::uint64_t id, usb_redir_control_packet_header header,
               std::span<const std::uint8_t> data);
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> AnswerStandard(const SetupPacket& setup);
  void Bulk(std::uint64_t id, usb_redir_bulk_packet_header header,
            std::span<const std::uint8_t> data);
  void Cancel(std::uint64_t id);
  void SetConfiguration(std::uint64_t id, std::uint8_t value);
  void SetAlternate(std::uint64_t id, std::uint8_t interface, std::uint8_t setting);
  void AnswerAlternate(std::uint64_t id, std::uint8_t interface, std::uint8_t status);
  // The device the host knows of, as long as it is still on the cable.
  [[nodiscard]] UsbFunction* Function() const;

  const int fd_;
  const Plugged plugged_;
  std::unique_ptr<usbredirparser, Free> parser_;
  std::size_t read_budget_ = 0;
  bool greeted_ = false;
  bool awaits_ack_ = false;  // of a disconnect; before it the host takes no new device
  std::shared_ptr<const PluggedDevice> shown_;
  std::vector<InterfaceSetting> settings_;
  std::map<std::uint8_t, std::uint8_t> alternates_;  // by interface; absent: 0
  std::uint8_t configuration_ = 0;
  // In the order the host asked. It must be answered in that order: QEMU ends itself otherwise.
  std::list<WaitingIn> waiting_in_;
};

}  // namespace rack
