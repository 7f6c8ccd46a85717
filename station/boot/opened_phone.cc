#include "station/boot/opened_phone.h"

#include <libirecovery.h>

namespace station::boot {
namespace {

std::vector<std::uint8_t> Copy(const unsigned char* bytes, unsigned size) {
  if (bytes == nullptr) return {};
  return {bytes, bytes + size};
}

std::string Text(const char* text) { return text == nullptr ? std::string() : std::string(text); }

BootInfo Convert(const irecv_device_info& device) {
  BootInfo info;
  info.ecid = Ecid{device.ecid};
  info.chip_id = device.cpid;
  info.chip_revision = device.cprv;
  info.board_id = device.bdid;
  info.fuses = device.cpfm;
  info.security_epoch = device.scep;
  info.iboot_flags = device.ibfl;
  info.serial_number = Text(device.srnm);
  info.rom = Text(device.srtg);
  info.ap_nonce = Copy(device.ap_nonce, device.ap_nonce_size);
  info.sep_nonce = Copy(device.sep_nonce, device.sep_nonce_size);
  return info;
}

unsigned Millis(std::chrono::milliseconds time) { return static_cast<unsigned>(time.count()); }

}  // namespace

void OpenedPhone::Close::operator()(irecv_client_private* client) const noexcept {
  irecv_close(client);
}

Result<std::unique_ptr<OpenedPhone>> OpenedPhone::Open(Ecid ecid) {
  irecv_client_t raw = nullptr;
  const irecv_error_t error = irecv_open_with_ecid(&raw, ecid.value);
  if (error != IRECV_E_SUCCESS)
    return Fail(ErrorCode::kRecoveryOpen,
                "opening " + ToString(ecid) + ": " + irecv_strerror(error));
  std::unique_ptr<OpenedPhone> phone(new OpenedPhone);
  phone->client_.reset(raw);
  int mode = 0;
  const irecv_device_info* device = irecv_get_device_info(raw);
  if (device == nullptr || irecv_get_mode(raw, &mode) != IRECV_E_SUCCESS)
    return Fail(ErrorCode::kRecoveryOpen, "the phone says nothing about itself");
  phone->info_ = Convert(*device);
  phone->in_dfu_ = mode == IRECV_K_DFU_MODE;
  if (phone->info_.ecid != ecid)
    return Fail(
        ErrorCode::kPhoneMismatch,
        "the phone on the port is " + ToString(phone->info_.ecid) + ", not " + ToString(ecid));
  return phone;
}

int OpenedPhone::Control(const ControlSetup& setup, std::span<std::uint8_t> data) {
  return irecv_usb_control_transfer(client_.get(), setup.request_type, setup.request, setup.value,
                                    0, data.data(), static_cast<std::uint16_t>(data.size()),
                                    Millis(setup.timeout));
}

int OpenedPhone::BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> bytes,
                         std::chrono::milliseconds timeout) {
  int moved = 0;
  // libusb does not write to the buffer of an OUT transfer; its signature serves both directions.
  auto* data = const_cast<unsigned char*>(bytes.data());
  const int error = irecv_usb_bulk_transfer(
      client_.get(), endpoint, data, static_cast<int>(bytes.size()), &moved, Millis(timeout));
  return error != 0 ? error : moved;
}

void OpenedPhone::ResetPort() { (void)irecv_reset(client_.get()); }

}  // namespace station::boot
