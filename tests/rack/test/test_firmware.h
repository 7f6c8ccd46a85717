#pragma once
// Firmware made for a test, without an IPSW, and a phone that was booted with it into restore mode.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"

namespace rack {

struct TestComponent {
  Bytes file;                   // as it lies in the firmware
  std::string type;             // in the ticket; empty for what none signs
  std::set<std::string> flags;  // of Info: IsFUDFirmware...
};

struct TestFirmware {
  std::string build;
  std::string behaviour = "Erase";
  std::string board;  // "d20ap"
  Bytes image;        // the OS
  std::map<std::string, TestComponent> components;

  // What an identity of the manifest says of it, as far as a phone asks for that.
  [[nodiscard]] Value Identity() const;
  [[nodiscard]] std::vector<std::string> Flagged(const std::string& flag) const;
};

// iPhone 8 with iOS 15 and iPhone 12 with iOS 26: the components a restore of them asks for.
[[nodiscard]] TestFirmware OldFirmware();
[[nodiscard]] TestFirmware NewFirmware();

// A phone in restore mode, with the ports of that stay open. Both are made anew for each test.
struct RestoreModePhone {
  // `cart` is more of the phone's line in CART.yaml: "fdr_needed: true, ..."; `state_file` may be
  // empty.
  RestoreModePhone(const std::string& product, const TestFirmware& firmware,
                   const std::string& cart = "", const std::string& state_file = "");

  [[nodiscard]] std::string LastError() const;
  // What the phone wants to do next: the event of its first request that is one.
  [[nodiscard]] Event NextEvent();

  Bytes ticket;
  std::unique_ptr<Phone> phone;
  Attachment attachment;
};

}  // namespace rack
