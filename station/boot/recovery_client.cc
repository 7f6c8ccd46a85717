#include "station/boot/recovery_client.h"

#include <libirecovery.h>

#include <cstdlib>

namespace station::boot {
namespace {

std::vector<std::uint8_t> Copy(const unsigned char* bytes, unsigned size) {
  if (bytes == nullptr) return {};
  return {bytes, bytes + size};
}

RecoveryInfo Convert(const irecv_device_info& device) {
  RecoveryInfo info;
  info.ecid = Ecid{device.ecid};
  info.chip_id = device.cpid;
  info.board_id = device.bdid;
  info.iboot_flags = device.ibfl;
  if (device.srnm != nullptr) info.serial_number = device.srnm;
  info.ap_nonce = Copy(device.ap_nonce, device.ap_nonce_size);
  info.sep_nonce = Copy(device.sep_nonce, device.sep_nonce_size);
  return info;
}

}  // namespace

void RecoveryClient::Close::operator()(irecv_client_private* client) const noexcept { irecv_close(client); }

Result<RecoveryClient> RecoveryClient::Open(Ecid ecid) {
  irecv_client_t raw = nullptr;
  const irecv_error_t error = irecv_open_with_ecid(&raw, ecid.value);
  if (error != IRECV_E_SUCCESS)
    return Fail(ErrorCode::kRecoveryOpen, "opening " + ToString(ecid) + " in recovery: " + irecv_strerror(error));
  RecoveryClient client;
  client.client_.reset(raw);
  const irecv_device_info* device = irecv_get_device_info(raw);
  if (device == nullptr) return Fail(ErrorCode::kRecoveryOpen, "the phone in recovery says nothing about itself");
  client.info_ = Convert(*device);
  if (client.info_.ecid != ecid)
    return Fail(ErrorCode::kPhoneMismatch, "the phone in recovery is " + ToString(client.info_.ecid) + ", not " + ToString(ecid));
  return client;
}

Status RecoveryClient::Upload(std::span<const std::uint8_t> bytes) {
  // libirecovery does not write to the buffer; its signature predates const.
  auto* data = const_cast<unsigned char*>(bytes.data());
  const irecv_error_t error = irecv_send_buffer(client_.get(), data, bytes.size(), 0);
  if (error != IRECV_E_SUCCESS)
    return Fail(ErrorCode::kRecoveryUpload, "sending " + std::to_string(bytes.size()) + " bytes: " + irecv_strerror(error));
  return {};
}

// libirecovery's own command functions drop the transfer's result, and with it a phone's refusal (a stall).
int RecoveryClient::SendCommand(const std::string& command, std::uint8_t request) {
  std::string text = command;  // with its NUL, at most 256 bytes (restore-protocol 2.1)
  return irecv_usb_control_transfer(client_.get(), 0x40, request, 0, 0, reinterpret_cast<unsigned char*>(text.data()),
                                    static_cast<std::uint16_t>(text.size() + 1), 10000);
}

Status RecoveryClient::Command(const std::string& command) {
  const int sent = SendCommand(command, 0);
  if (sent < 0) return Fail(ErrorCode::kRecoveryCommand, "'" + command + "': usb error " + std::to_string(sent));
  return {};
}

void RecoveryClient::CommandWithoutAnswer(const std::string& command) { (void)SendCommand(command, 1); }

void RecoveryClient::FinishPoke() { (void)irecv_usb_control_transfer(client_.get(), 0x21, 1, 0, 0, nullptr, 0, 5000); }

std::optional<std::string> RecoveryClient::GetEnv(const std::string& name) {
  char* value = nullptr;
  const irecv_error_t error = irecv_getenv(client_.get(), name.c_str(), &value);
  const std::unique_ptr<char, decltype(&std::free)> guard(value, &std::free);
  if (error != IRECV_E_SUCCESS || value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

Status CheckViewInForce(const std::function<std::uint64_t()>& listings_served) {
  const std::uint64_t before = listings_served();
  irecv_client_t raw = nullptr;
  if (irecv_open_with_ecid(&raw, 1) == IRECV_E_SUCCESS) irecv_close(raw);
  if (listings_served() == before)
    return Fail(ErrorCode::kUsbViewNotInForce, "libirecovery reaches libusb past the one-port view");
  return {};
}

}  // namespace station::boot
