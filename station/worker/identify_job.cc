#include "station/worker/identify_job.h"

#include "station/device/normal_phone.h"
#include "station/restore/restored_client.h"
#include "station/usb/phone_serial.h"
#include "station/worker/port_watch.h"

namespace station::worker {
namespace {

constexpr std::chrono::seconds kMuxPatience{30};

Result<v1::Identified> FromSerial(const usb::UsbPhone& device) {
  const auto tokens = usb::ParseSerialTokens(device.serial);
  if (!tokens || !tokens->ecid.Known())
    return Fail(ErrorCode::kPhoneIdentityUnreadable,
                "no ECID in '" + device.serial.substr(0, 126) + "'");
  v1::Identified identified;
  identified.set_ecid(tokens->ecid.value);
  identified.set_serial_number(tokens->serial_number);
  identified.set_chip_id(tokens->chip_id);
  identified.set_board_id(tokens->board_id);
  identified.set_mode(static_cast<std::uint32_t>(device.mode));
  return identified;
}

Result<v1::Identified> FromRestored(const std::string& udid, JobReporter& reporter) {
  STATION_TRY(device, device::Device::Open(udid));
  STATION_TRY(restored, restore::RestoredClient::Open(device, reporter));
  STATION_TRY(ecid, restored.ReadEcid(reporter));
  restored.Goodbye(reporter);
  v1::Identified identified;
  identified.set_ecid(ecid.value);
  identified.set_udid(udid);
  identified.set_mode(static_cast<std::uint32_t>(PhoneMode::kRestore));
  return identified;
}

Result<v1::Identified> FromLockdown(const std::string& udid, JobReporter& reporter) {
  STATION_TRY(phone, device::NormalPhone::Open(udid));
  STATION_TRY(type, phone.QueryType());
  if (type == device::LockdownType::kRestore) return FromRestored(udid, reporter);
  STATION_TRY(facts, phone.ReadFacts());
  v1::Identified identified;
  identified.set_ecid(facts.ecid.value);
  identified.set_udid(facts.udid);
  identified.set_serial_number(facts.serial_number);
  identified.set_product(facts.product);
  identified.set_board(facts.board);
  identified.set_os_version(facts.os_version);
  identified.set_os_build(facts.os_build);
  identified.set_mode(static_cast<std::uint32_t>(PhoneMode::kNormal));
  return identified;
}

}  // namespace

Result<v1::Identified> Identify(const v1::IdentifyOrders& orders, JobReporter& reporter) {
  STATION_CHECK(reporter.BeginStep(Step::kIdentify));
  STATION_TRY(watch, PortWatch::For(orders.port()));
  STATION_TRY(device,
              watch.WaitFor([](const usb::UsbPhone&) { return true; }, std::chrono::seconds(5),
                            ErrorCode::kPhoneGone, "a phone on the port", reporter));
  if (device.mode == PhoneMode::kOther)
    return Fail(ErrorCode::kNeedsButtons,
                "a mode this station cannot talk to: put the phone into recovery or DFU mode");
  if (device.mode != PhoneMode::kNormal) return FromSerial(device);
  // usbmuxd shows a phone only after its own preflight: give it time.
  const auto deadline = std::chrono::steady_clock::now() + kMuxPatience;
  while (true) {
    auto identified = FromLockdown(UdidOf(device), reporter);
    if (identified || std::chrono::steady_clock::now() > deadline) return identified;
    if (!watch.Look())
      return Fail(ErrorCode::kPhoneGone, "the phone left while it was asked who it is");
    STATION_CHECK(reporter.Pause(std::chrono::milliseconds(500)));
  }
}

}  // namespace station::worker
