#include "tests/rack/redir/session.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace rack {
namespace {

constexpr std::size_t kReadAtOnce = 1U << 20U;  // then waiting transfers and an unplug get a look
constexpr std::uint8_t kDirectionIn = 0x80;
constexpr std::uint8_t kTypeMask = 0x60;

// USB 2.0, table 9-4; SET_SEL and SET_ISOCH_DELAY of USB 3. What carries no answer is agreed to.
constexpr std::uint8_t kGetStatus = 0;
constexpr std::uint8_t kGetDescriptor = 6;
constexpr std::array<std::uint8_t, 4> kAgreedTo = {1, 3, 0x30, 0x31};

std::uint8_t SlotOf(std::uint8_t endpoint) {
  return static_cast<std::uint8_t>((endpoint & kDirectionIn) >> 3U | (endpoint & 0x0FU));
}

std::size_t SizeOf(const usb_redir_bulk_packet_header& header) {
  return static_cast<std::size_t>(header.length_high) << 16U | header.length;
}

void SetSize(usb_redir_bulk_packet_header& header, std::size_t size) {
  header.length = static_cast<std::uint16_t>(size & 0xFFFFU);
  header.length_high = static_cast<std::uint16_t>(size >> 16U);
}

}  // namespace

// What the parser calls. It checks lengths, and that a packet is one a host may send.
struct RedirSession::Callbacks {
  static RedirSession& Of(void* priv) noexcept { return *static_cast<RedirSession*>(priv); }

  static void Log(void*, int level, const char* text) noexcept {
    if (level <= usbredirparser_warning) spdlog::warn("redir: {}", text);
  }
  static int Read(void* priv, std::uint8_t* data, int count) noexcept {
    RedirSession& self = Of(priv);
    const std::size_t wanted =
        std::min<std::size_t>(static_cast<std::size_t>(count), self.read_budget_);
    if (wanted == 0) return 0;
    const ssize_t got = recv(self.fd_, data, wanted, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (got == 0) return -1;
    self.read_budget_ -= static_cast<std::size_t>(got);
    return static_cast<int>(got);
  }
  static int Write(void* priv, std::uint8_t* data, int count) noexcept {
    const ssize_t sent = send(Of(priv).fd_, data, static_cast<std::size_t>(count), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return static_cast<int>(sent);
  }
  static void Hello(void* priv, usb_redir_hello_header*) noexcept { Of(priv).greeted_ = true; }
  static void Reset(void* priv) noexcept {
    RedirSession& self = Of(priv);
    self.alternates_.clear();
    self.configuration_ = 0;
    if (UsbFunction* const function = self.Function()) function->PortReset();
  }
  static void SetConfiguration(void* priv, std::uint64_t id,
                               usb_redir_set_configuration_header* header) noexcept {
    Of(priv).SetConfiguration(id, header->configuration);
  }
  static void GetConfiguration(void* priv, std::uint64_t id) noexcept {
    usb_redir_configuration_status_header answer{usb_redir_success, Of(priv).configuration_};
    usbredirparser_send_configuration_status(Of(priv).parser_.get(), id, &answer);
  }
  static void SetAlternate(void* priv, std::uint64_t id,
                           usb_redir_set_alt_setting_header* header) noexcept {
    Of(priv).SetAlternate(id, header->interface, header->alt);
  }
  static void GetAlternate(void* priv, std::uint64_t id,
                           usb_redir_get_alt_setting_header* header) noexcept {
    Of(priv).AnswerAlternate(id, header->interface, usb_redir_success);
  }
  static void Cancel(void* priv, std::uint64_t id) noexcept { Of(priv).Cancel(id); }
  static void DisconnectAck(void* priv) noexcept { Of(priv).awaits_ack_ = false; }
  static void ControlPacket(void* priv, std::uint64_t id, usb_redir_control_packet_header* header,
                            std::uint8_t* data, int size) noexcept {
    Of(priv).Control(id, *header, {data, static_cast<std::size_t>(size)});
    usbredirparser_free_packet_data(Of(priv).parser_.get(), data);
  }
  static void BulkPacket(void* priv, std::uint64_t id, usb_redir_bulk_packet_header* header,
                         std::uint8_t* data, int size) noexcept {
    Of(priv).Bulk(id, *header, {data, static_cast<std::size_t>(size)});
    usbredirparser_free_packet_data(Of(priv).parser_.get(), data);
  }
  // Phones have no such endpoints; what asks for them gets no answer but must find somebody there.
  static void Isochronous(void* priv, std::uint64_t, usb_redir_iso_packet_header*,
                          std::uint8_t* data, int) noexcept {
    usbredirparser_free_packet_data(Of(priv).parser_.get(), data);
  }
  static void Interrupt(void* priv, std::uint64_t, usb_redir_interrupt_packet_header*,
                        std::uint8_t* data, int) noexcept {
    usbredirparser_free_packet_data(Of(priv).parser_.get(), data);
  }
};

RedirSession::RedirSession(int fd, Plugged plugged)
    : fd_(fd), plugged_(std::move(plugged)), parser_(usbredirparser_create()) {
  usbredirparser& parser = *parser_;
  parser.priv = this;
  parser.log_func = &Callbacks::Log;
  parser.read_func = &Callbacks::Read;
  parser.write_func = &Callbacks::Write;
  parser.hello_func = &Callbacks::Hello;
  parser.reset_func = &Callbacks::Reset;
  parser.set_configuration_func = &Callbacks::SetConfiguration;
  parser.get_configuration_func = &Callbacks::GetConfiguration;
  parser.set_alt_setting_func = &Callbacks::SetAlternate;
  parser.get_alt_setting_func = &Callbacks::GetAlternate;
  parser.cancel_data_packet_func = &Callbacks::Cancel;
  parser.device_disconnect_ack_func = &Callbacks::DisconnectAck;
  parser.control_packet_func = &Callbacks::ControlPacket;
  parser.bulk_packet_func = &Callbacks::BulkPacket;
  parser.iso_packet_func = &Callbacks::Isochronous;
  parser.interrupt_packet_func = &Callbacks::Interrupt;
  parser.start_iso_stream_func = [](void*, std::uint64_t, usb_redir_start_iso_stream_header*) {};
  parser.stop_iso_stream_func = [](void*, std::uint64_t, usb_redir_stop_iso_stream_header*) {};
  parser.start_interrupt_receiving_func = [](void*, std::uint64_t,
                                             usb_redir_start_interrupt_receiving_header*) {};
  parser.stop_interrupt_receiving_func = [](void*, std::uint64_t,
                                            usb_redir_stop_interrupt_receiving_header*) {};
  parser.alloc_bulk_streams_func = [](void*, std::uint64_t, usb_redir_alloc_bulk_streams_header*) {
  };
  parser.free_bulk_streams_func = [](void*, std::uint64_t, usb_redir_free_bulk_streams_header*) {};
  parser.filter_reject_func = [](void*) {};
  parser.filter_filter_func = [](void*, usbredirfilter_rule* rules, int) { std::free(rules); };
  std::array<std::uint32_t, USB_REDIR_CAPS_SIZE> caps{};
  for (const int cap : {usb_redir_cap_connect_device_version, usb_redir_cap_device_disconnect_ack,
                        usb_redir_cap_ep_info_max_packet_size, usb_redir_cap_64bits_ids,
                        usb_redir_cap_32bits_bulk_length})
    usbredirparser_caps_set_cap(caps.data(), cap);
  usbredirparser_init(&parser, "station-rack", caps.data(), USB_REDIR_CAPS_SIZE,
                      usbredirparser_fl_usb_host);
}

bool RedirSession::Read() {
  read_budget_ = kReadAtOnce;
  const int done = usbredirparser_do_read(parser_.get());
  return done != usbredirparser_read_io_error;  // a packet that cannot be read is skipped
}

bool RedirSession::Write() { return usbredirparser_do_write(parser_.get()) == 0; }

bool RedirSession::HasOutput() const { return usbredirparser_has_data_to_write(parser_.get()) > 0; }

UsbFunction* RedirSession::Function() const {
  return shown_ != nullptr && plugged_() == shown_ ? shown_->function.get() : nullptr;
}

void RedirSession::Progress() {
  auto wanted = plugged_();
  if (shown_ != nullptr && shown_ != wanted) Disconnect();
  if (shown_ == nullptr && wanted != nullptr && greeted_ && !awaits_ack_)
    Connect(std::move(wanted));
  std::set<std::uint8_t> dry;
  for (auto it = waiting_in_.begin(); it != waiting_in_.end();) {
    WaitingIn& transfer = *it;
    UsbFunction* const function = Function();
    std::vector<std::uint8_t> data;
    if (function != nullptr && !dry.contains(transfer.header.endpoint))
      data = function->BulkIn(transfer.header.endpoint, transfer.size);
    if (data.empty()) {
      dry.insert(transfer.header.endpoint);
      ++it;
      continue;
    }
    data.resize(std::min(data.size(), transfer.size));
    SetSize(transfer.header, data.size());
    transfer.header.status = usb_redir_success;
    usbredirparser_send_bulk_packet(parser_.get(), transfer.id, &transfer.header, data.data(),
                                    static_cast<int>(data.size()));
    it = waiting_in_.erase(it);
  }
}

void RedirSession::Connect(std::shared_ptr<const PluggedDevice> device) {
  shown_ = std::move(device);
  settings_ = Interfaces(shown_->descriptors);
  alternates_.clear();
  configuration_ = 0;
  DescribeEndpoints();
  const std::vector<std::uint8_t>& of = shown_->descriptors.device;
  const auto word = [&](std::size_t at) {
    return static_cast<std::uint16_t>(of[at] | of[at + 1] << 8U);
  };
  const bool super = shown_->descriptors.speed == UsbSpeed::kSuper5G;
  usb_redir_device_connect_header header{
      static_cast<std::uint8_t>(super ? usb_redir_speed_super : usb_redir_speed_high),
      of[4],
      of[5],
      of[6],
      word(8),
      word(10),
      word(12)};
  usbredirparser_send_device_connect(parser_.get(), &header);
}

void RedirSession::Disconnect() {
  shown_.reset();
  waiting_in_.clear();
  usbredirparser_send_device_disconnect(parser_.get());
  awaits_ack_ =
      usbredirparser_peer_has_cap(parser_.get(), usb_redir_cap_device_disconnect_ack) != 0;
}

void RedirSession::DescribeEndpoints() {
  usb_redir_interface_info_header interfaces{};
  usb_redir_ep_info_header endpoints{};
  std::ranges::fill(endpoints.type, std::uint8_t{usb_redir_type_invalid});
  endpoints.type[SlotOf(0)] = endpoints.type[SlotOf(kDirectionIn)] = usb_redir_type_control;
  const bool super = shown_->descriptors.speed == UsbSpeed::kSuper5G;
  for (const InterfaceSetting& setting : settings_) {
    const auto alternate = alternates_.find(setting.number);
    if (setting.alternate != (alternate == alternates_.end() ? 0 : alternate->second)) continue;
    const std::uint32_t at = interfaces.interface_count++;
    interfaces.interface[at] = setting.number;
    interfaces.interface_class[at] = setting.interface_class;
    interfaces.interface_subclass[at] = setting.subclass;
    interfaces.interface_protocol[at] = setting.protocol;
    for (const std::uint8_t endpoint : setting.endpoints) {
      const std::uint8_t slot = SlotOf(endpoint);
      endpoints.type[slot] = usb_redir_type_bulk;
      endpoints.interface[slot] = setting.number;
      endpoints.max_packet_size[slot] = super ? 1024 : 512;
    }
  }
  usbredirparser_send_interface_info(parser_.get(), &interfaces);
  usbredirparser_send_ep_info(parser_.get(), &endpoints);
}

void RedirSession::SetConfiguration(std::uint64_t id, std::uint8_t value) {
  const bool known = shown_ != nullptr && value <= 1;
  if (known) {
    configuration_ = value;
    alternates_.clear();
    DescribeEndpoints();
  }
  usb_redir_configuration_status_header answer{
      static_cast<std::uint8_t>(known ? usb_redir_success : usb_redir_inval), configuration_};
  usbredirparser_send_configuration_status(parser_.get(), id, &answer);
}

void RedirSession::SetAlternate(std::uint64_t id, std::uint8_t interface, std::uint8_t setting) {
  const bool known = std::ranges::any_of(settings_, [&](const InterfaceSetting& candidate) {
    return candidate.number == interface && candidate.alternate == setting;
  });
  if (known && shown_ != nullptr) {
    alternates_[interface] = setting;
    DescribeEndpoints();
  }
  AnswerAlternate(id, interface, known ? usb_redir_success : usb_redir_stall);
}

void RedirSession::AnswerAlternate(std::uint64_t id, std::uint8_t interface, std::uint8_t status) {
  const auto found = alternates_.find(interface);
  usb_redir_alt_setting_status_header answer{
      status, interface, found == alternates_.end() ? std::uint8_t{0} : found->second};
  usbredirparser_send_alt_setting_status(parser_.get(), id, &answer);
}

std::optional<std::vector<std::uint8_t>> RedirSession::AnswerStandard(const SetupPacket& setup) {
  if (setup.request == kGetDescriptor)
    return GetDescriptor(shown_->descriptors, static_cast<std::uint8_t>(setup.value >> 8U),
                         static_cast<std::uint8_t>(setup.value & 0xFFU));
  if (setup.request == kGetStatus) return std::vector<std::uint8_t>{0, 0};
  if (std::ranges::count(kAgreedTo, setup.request) != 0) return std::vector<std::uint8_t>{};
  return std::nullopt;
}

void RedirSession::Control(std::uint64_t id, usb_redir_control_packet_header header,
                           std::span<const std::uint8_t> data) {
  UsbFunction* const function = Function();
  if (function == nullptr) return;  // the disconnect on its way ends the transfer
  const SetupPacket setup{header.requesttype, header.request, header.value, header.index,
                          header.length};
  auto answer = (setup.request_type & kTypeMask) == 0 ? AnswerStandard(setup)
                                                      : function->Control(setup, data);
  header.status = answer ? usb_redir_success : usb_redir_stall;
  const bool in = (setup.request_type & kDirectionIn) != 0;
  if (!answer) header.length = 0;
  if (!answer || !in) answer.emplace();
  answer->resize(std::min<std::size_t>(answer->size(), setup.length));
  if (in) header.length = static_cast<std::uint16_t>(answer->size());
  usbredirparser_send_control_packet(parser_.get(), id, &header,
                                     answer->empty() ? nullptr : answer->data(),
                                     static_cast<int>(answer->size()));
}

void RedirSession::Bulk(std::uint64_t id, usb_redir_bulk_packet_header header,
                        std::span<const std::uint8_t> data) {
  UsbFunction* const function = Function();
  if (function == nullptr) return;
  if ((header.endpoint & kDirectionIn) != 0) {
    waiting_in_.push_back({id, header, SizeOf(header)});  // Progress answers it
    return;
  }
  const bool taken = function->BulkOut(header.endpoint, data);
  header.status = taken ? usb_redir_success : usb_redir_stall;
  SetSize(header, taken ? data.size() : 0);
  usbredirparser_send_bulk_packet(parser_.get(), id, &header, nullptr, 0);
}

void RedirSession::Cancel(std::uint64_t id) {
  const auto found = std::ranges::find(waiting_in_, id, &WaitingIn::id);
  if (found == waiting_in_.end()) return;  // answered meanwhile
  usb_redir_bulk_packet_header header = found->header;
  header.status = usb_redir_cancelled;
  SetSize(header, 0);
  waiting_in_.erase(found);
  usbredirparser_send_bulk_packet(parser_.get(), id, &header, nullptr, 0);
}

}  // namespace rack
