#include "station/daemon/supervise/messages.h"

#include <algorithm>
#include <cmath>

#include "station/link/channel.h"

namespace station::daemon {
namespace {

template <typename Enum, std::size_t N>
Enum EnumFrom(std::uint32_t number, const std::array<Enum, N>& all) {
  for (const Enum value : all)
    if (static_cast<std::uint32_t>(value) == number) return value;
  return all.front();
}

ErrorCode CodeFrom(std::uint32_t number) {
  return ErrorCodeFromNumber(number).value_or(ErrorCode::kInternal);
}

constexpr std::uint32_t kLongestLetGo = 300;  // seconds

// A worker's text ends in logs, the ledger and on screens.
std::string Bounded(const std::string& text) {
  constexpr std::size_t kLongest = 2000;
  return text.substr(0, kLongest);
}

void Fill(worker::v1::PortAddress& message, const PortAddress& port) {
  message.set_key(port.key.value);
  for (const std::string& path : port.paths) message.add_paths(path);
  message.set_label(port.label);
}

void Fill(worker::v1::Welcome& welcome, const IdentifyTask& task) {
  worker::v1::IdentifyOrders& orders = *welcome.mutable_identify();
  orders.set_job_id(task.job.value);
  Fill(*orders.mutable_port(), task.port);
  orders.set_mode(static_cast<std::uint32_t>(task.mode));
  orders.set_usb_serial(task.usb_serial);
}

void Fill(worker::v1::Welcome& welcome, const RestoreTask& task) {
  worker::v1::RestoreOrders& orders = *welcome.mutable_restore();
  orders.set_job_id(task.job.value);
  Fill(*orders.mutable_port(), task.port);
  orders.set_ecid(task.phone.ecid.value);
  orders.set_udid(task.phone.udid);
  orders.set_action(static_cast<std::uint32_t>(Tried(task.action)));
  orders.set_dry_run(IsTry(task.action));
  orders.set_ask_ticket(task.ask_ticket);
  orders.set_capture_path(task.capture);
  orders.set_serial_number(task.phone.serial_number);
  orders.set_product(task.phone.product);
  orders.set_board(task.phone.board);
  orders.set_signing_url(task.signing_url);
  orders.set_journal_path(task.journal);
  orders.set_has_os_image_file(task.files.os_image.has_value());
  orders.set_firmware_sha256(task.firmware_sha256);
  orders.set_attempt(task.attempt);
  orders.set_signing_ca_file(task.signing_ca_file);
  for (const std::string& host : task.further_hosts) orders.add_further_hosts(host);
  for (const auto& [step, deadline] : task.deadlines) {
    worker::v1::StepDeadline& own = *orders.add_deadlines();
    own.set_step(static_cast<std::uint32_t>(step));
    own.set_seconds(static_cast<std::uint32_t>(deadline.count()));
  }
  orders.set_chip_id(task.phone.chip_id);
  orders.set_board_id(task.phone.board_id);
  orders.set_arming_expires_unix_milliseconds(task.arming_expires.value);
}

void Fill(worker::v1::Network& message, const Network& network) {
  message.set_proxy(network.proxy);
  message.set_ca_file(network.ca_file);
  message.set_bytes_per_second(network.bytes_per_second);
}

void Fill(worker::v1::Welcome& welcome, const ImportTask& task) {
  worker::v1::ImportOrders& orders = *welcome.mutable_import();
  orders.set_source_path(task.source);
  orders.set_store_path(task.store);
  orders.set_expected_sha256(task.expected_sha256);
  for (const std::string& url : task.urls) orders.add_urls(url);
  orders.set_expected_sha1(task.expected_sha1);
  orders.set_size(task.size);
  Fill(*orders.mutable_network(), task.network);
}

void Fill(worker::v1::Welcome& welcome, const FindTask& task) {
  worker::v1::FindOrders& orders = *welcome.mutable_find();
  orders.set_product(task.phone.product);
  orders.set_board(task.phone.board);
  orders.set_chip_id(task.phone.chip_id);
  orders.set_board_id(task.phone.board_id);
  orders.set_action(static_cast<std::uint32_t>(task.action));
  orders.set_ecid(task.phone.ecid.value);
  orders.set_want(task.want);
  orders.set_vendor_list_url(task.vendor_list_url);
  orders.set_ipsw_me_url(task.ipsw_me_url);
  orders.set_signing_url(task.signing_url);
  orders.set_signing_ca_file(task.signing_ca_file);
  Fill(*orders.mutable_network(), task.network);
}

void Fill(worker::v1::Welcome& welcome, const CheckTask& task) {
  worker::v1::CheckOrders& orders = *welcome.mutable_check();
  orders.set_store_path(task.store);
  orders.set_sha256(task.sha256);
  orders.set_from(task.from);
  orders.set_bytes_per_second(task.bytes_per_second);
}

void Fill(worker::v1::Welcome& welcome, const ExportTask& task) {
  worker::v1::ExportOrders& orders = *welcome.mutable_export_();
  orders.set_store_path(task.store);
  orders.set_sha256(task.sha256);
  orders.set_target(task.target);
}

void Fill(worker::v1::Welcome& welcome, const PortTask& task) {
  worker::v1::PortActOrders& orders = *welcome.mutable_port_act();
  Fill(*orders.mutable_port(), task.port);
  orders.set_act(static_cast<std::uint32_t>(task.act));
  orders.set_off_milliseconds(static_cast<std::uint32_t>(task.off.count()));
  orders.set_command(task.command);
}

}  // namespace

worker::v1::Welcome WelcomeFor(const Task& task, bool emergency_stop) {
  worker::v1::Welcome welcome;
  welcome.set_link_version(link::kLinkVersion);
  welcome.set_emergency_stop(emergency_stop);
  std::visit([&](const auto& orders) { Fill(welcome, orders); }, task.orders);
  return welcome;
}

std::vector<int> DescriptorsFor(const Task& task) {
  const auto* restore = std::get_if<RestoreTask>(&task.orders);
  if (restore == nullptr) return {};
  std::vector<int> descriptors = {restore->files.ipsw.Get(), restore->files.index.Get()};
  if (restore->files.os_image) descriptors.push_back(restore->files.os_image->Get());
  return descriptors;
}

ledger::PhoneFacts FromMessage(const worker::v1::Identified& message) {
  return {.ecid = {message.ecid()},
          .udid = Bounded(message.udid()),
          .serial_number = Bounded(message.serial_number()),
          .product = Bounded(message.product()),
          .product_name = {},
          .board = Bounded(message.board()),
          .os_version = Bounded(message.os_version()),
          .os_build = Bounded(message.os_build()),
          .mode = EnumFrom(message.mode(), kAllPhoneModes),
          .chip_id = message.chip_id(),
          .board_id = message.board_id()};
}

StepReport FromMessage(const worker::v1::StepStarted& message) {
  return {.step = EnumFrom(message.step(), kAllSteps),
          .destructive = message.destructive(),
          .signer_root = Bounded(message.signer_root())};
}

ProgressReport FromMessage(const worker::v1::Progress& message) {
  return {.step = EnumFrom(message.step(), kAllSteps),
          .step_fraction = std::isfinite(message.step_fraction()) ? message.step_fraction() : 0,
          .bytes_done = message.bytes_done(),
          .bytes_total = message.bytes_total()};
}

Ended FromMessage(const worker::v1::Finished& message) {
  return {.outcome = EnumFrom(message.outcome(), kAllOutcomes),
          .error = CodeFrom(message.error_code()),
          .context = Bounded(message.context()),
          .step = EnumFrom(message.step(), kAllSteps),
          .os_build_after = Bounded(message.os_build_after()),
          .signer_root = Bounded(message.signer_root()),
          .phone_log_sha256 = Bounded(message.phone_log_sha256()),
          .lets_go = std::chrono::seconds(std::min(message.lets_go_seconds(), kLongestLetGo))};
}

store::Entry FromMessage(const worker::v1::Imported& message) {
  store::Entry entry;
  entry.sha256 = ParseSha256(message.sha256()).value_or(Sha256Digest{});
  entry.size = message.size();
  entry.version = message.version();
  entry.build = message.build();
  entry.products = {message.products().begin(), message.products().end()};
  return entry;
}

std::vector<Offer> FromMessage(const worker::v1::Found& message) {
  std::vector<Offer> offers;
  for (const worker::v1::Offer& told : message.offers()) {
    Offer& offer = offers.emplace_back();
    offer.product = Bounded(told.product());
    offer.version = Bounded(told.version());
    offer.build = Bounded(told.build());
    offer.urls = {told.urls().begin(), told.urls().end()};
    offer.size = told.size();
    offer.sha1 = told.sha1();
    offer.sha256 = told.sha256();
    if (told.is_signed() != 0) offer.is_signed = told.is_signed() == 1;
  }
  return offers;
}

}  // namespace station::daemon
