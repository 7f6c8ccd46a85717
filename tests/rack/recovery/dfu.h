#pragma once
// The boot ROM on the wire: takes one image over EP0 (reference 2.6) and, at the port reset that
// follows, starts it when it is an iBSS signed for this phone.

#include <optional>
#include <span>

#include "tests/rack/model/phone.h"
#include "tests/rack/usb/usb_function.h"

namespace rack {

class BootRom : public UsbFunction {
 public:
  explicit BootRom(Phone& phone);

  std::optional<Bytes> Control(const SetupPacket& setup,
                               std::span<const std::uint8_t> out) override;
  bool BulkOut(std::uint8_t, std::span<const std::uint8_t>) override { return false; }
  Bytes BulkIn(std::uint8_t, std::size_t) override { return {}; }
  void PortReset() override;

 private:
  // As the DFU class numbers them. A block is taken at once: download-sync and busy never show.
  enum class State : std::uint8_t {
    kIdle = 2,
    kDownloadIdle = 5,
    kManifestSync = 6,
    kManifest = 7,
    kManifestWaitReset = 8,
    kError = 10,
  };
  using Answer = std::optional<Bytes>;  // nothing is a stall
  using Request = Answer (BootRom::*)(std::span<const std::uint8_t> out);
  struct RequestEntry {
    std::uint8_t type;
    std::uint8_t number;
    Request handler;
  };

  Answer Download(std::span<const std::uint8_t> out);
  Answer GetStatus(std::span<const std::uint8_t> out);
  Answer ClearStatus(std::span<const std::uint8_t> out);
  Answer GetState(std::span<const std::uint8_t> out);
  Answer Abort(std::span<const std::uint8_t> out);
  Answer Fail();
  void StartOver();
  void StripSuffix();
  void StartImage();

  Phone& phone_;
  const std::uint64_t boot_number_;
  State state_ = State::kIdle;
  bool leaving_ = false;
  Bytes image_;
};

}  // namespace rack
