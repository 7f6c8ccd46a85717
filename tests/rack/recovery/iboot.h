#pragma once
// iBoot, iBSS and iBEC on the wire: commands and uploads over USB, every image verified before it
// is used.

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/rack/model/phone.h"
#include "tests/rack/usb/usb_function.h"

namespace rack {

class Iboot : public UsbFunction {
 public:
  // `stage` is kIboot, kIbss or kIbec, for as long as this stay lasts.
  Iboot(Phone& phone, Stage stage);

  std::optional<Bytes> Control(const SetupPacket& setup,
                               std::span<const std::uint8_t> out) override;
  bool BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> data) override;
  Bytes BulkIn(std::uint8_t endpoint, std::size_t size) override;
  void PortReset() override {}

 private:
  using Words = std::vector<std::string>;
  // False is a stall: the command was refused.
  using Command = bool (Iboot::*)(const Words& words);

  [[nodiscard]] static const std::map<std::string, Command>& Commands();
  bool Run(const std::string& line);
  Bytes ReadBack(std::size_t size);

  bool SetEnv(const Words& words);
  bool SetEnvForThisBoot(const Words& words);
  bool GetEnv(const Words& words);
  bool SaveEnv(const Words& words);
  bool Accept(const Words& words);
  bool Go(const Words& words);
  bool SetPicture(const Words& words);
  bool LoadFirmware(const Words& words);
  bool LoadRamdisk(const Words& words);
  bool LoadDeviceTree(const Words& words);
  bool LoadSep(const Words& words);
  bool BootX(const Words& words);
  bool Reboot(const Words& words);

  // Verifies the upload and consumes it. In iBEC also that its ticket is the one iBEC came with.
  [[nodiscard]] std::optional<VerifiedImage> TakeUpload(const Verifier::TypeTest& accepts);
  [[nodiscard]] bool OnlyInIbec(const Words& words);
  [[nodiscard]] Refusal MissingForBoot(const PhoneState& state, const VerifiedImage& kernel) const;
  bool Refuse(Reason reason, std::string detail);
  // Ends this boot: asks for the next one and hears nothing more.
  bool LeaveFor(Event event);

  Phone& phone_;
  const Stage stage_;
  const std::uint64_t boot_number_;
  bool leaving_ = false;
  std::map<std::string, std::string> environment_;  // NVRAM as of this boot, plus what is not saved
  std::set<std::string> unsaved_;                   // what setenv has changed since saveenv
  Bytes upload_;
  bool upload_recorded_ = false;
  std::size_t read_back_ = 0;  // of the upload
  Bytes image_;                // the upload under verification; VerifiedImage looks into it
  std::string result_;
  std::string console_;
};

}  // namespace rack
