#pragma once
// A phone in recovery or DFU mode on a bus, and a host that boots it into a restore as clients do,
// but for the one thing a test makes wrong.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/rack/control/presence.h"
#include "tests/rack/recovery/iboot.h"
#include "tests/rack/test/img4.h"
#include "tests/rack/test/keys.h"
#include "tests/rack/usb/usb_bus.h"

namespace rack {

// A ticket before it is signed, so that a test can have anything signed.
struct TicketPlan {
  std::map<std::string, Bytes> identity;                           // MANP: four-cc to DER value
  std::map<std::string, std::map<std::string, Bytes>> components;  // the same of each
  Generation signer;                                               // whose leaf key signs
  std::vector<Bytes> certificates;
  // The SET that is signed.
  std::function<Bytes(const TicketPlan&)> write_body = WriteBody;

  [[nodiscard]] static TicketPlan Of(const Bytes& ticket, const Generation& signer);
  [[nodiscard]] static Bytes WriteBody(const TicketPlan& plan);
  [[nodiscard]] Bytes Sign() const;
};

class BootBench {
 public:
  struct Part {
    std::string type;
    Bytes payload;  // IM4P
  };
  // An upload (none when `component` is empty), then a command; "dfu" is a download to the boot
  // ROM.
  struct Move {
    std::string component;
    std::string command;
  };

  explicit BootBench(const std::string& product, StartMode mode = StartMode::kRecovery,
                     const std::string& behaviour = "Erase");
  ~BootBench();
  BootBench(const BootBench&) = delete;
  BootBench& operator=(const BootBench&) = delete;

  // To be changed before Boot.
  std::map<std::string, Part> parts;  // by component
  std::vector<Move> moves;            // of a whole boot, to the kernel
  std::function<void(Value&)> spoil_request = [](Value&) {};
  std::function<void(TicketPlan&)> spoil_plan = [](TicketPlan&) {};
  std::function<void(Bytes&)> spoil_ticket = [](Bytes&) {};
  std::map<std::string, std::function<void(Bytes&)>> spoil_image;  // IMG4s, by component
  std::function<void(BootBench&)> before_moves = [](BootBench&) {};
  bool asks_again = true;  // for a ticket, when the nonce has changed on the way from the boot ROM

  // Until a command is refused; `Refused` names it.
  void Boot();
  [[nodiscard]] const std::string& Refused() const { return refused_; }

  [[nodiscard]] Phone& GetPhone() { return phone_; }
  [[nodiscard]] PhoneState State() const { return phone_.State(); }
  [[nodiscard]] const Product& GetProduct() const { return phone_.Spec().product; }
  [[nodiscard]] const Generation& GetGeneration() const { return GetProduct().generation; }
  // The ports of the stay in restore mode; null in another mode.
  [[nodiscard]] std::shared_ptr<Attachment> RestorePorts() const;
  [[nodiscard]] const Bytes& BootTicket() const { return ticket_; }
  // Another good ticket for the same parts and this boot.
  [[nodiscard]] Bytes NewTicket() const;
  // The move that uploads this component.
  [[nodiscard]] Move& MoveOf(const std::string& component);
  // Waits for what the phone has been asked to do.
  void Settle();
  void Ask(Event event);

 private:
  [[nodiscard]] Value Request() const;
  void TakeTicket();
  [[nodiscard]] Bytes ImageOf(const std::string& component);
  [[nodiscard]] bool Play(const Move& move);
  [[nodiscard]] bool Download(const std::string& component);
  void Upload(Iboot& iboot, const std::string& component);

  std::string folder_;
  UsbBus bus_;
  MuxDevices devices_;
  Phone phone_;
  Presence presence_;
  Bytes ticket_;
  std::string refused_;
  std::unique_ptr<Iboot> iboot_;
  std::uint64_t iboot_boot_ = 0;  // the boot `iboot_` belongs to
};

}  // namespace rack
