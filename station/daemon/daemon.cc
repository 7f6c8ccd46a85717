#include "station/daemon/daemon.h"

#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "station/base/log.h"
#include "station/daemon/instance_lock.h"
#include "station/daemon/notify.h"
#include "station/daemon/recall.h"
#include "station/daemon/supervise/journals.h"
#include "station/daemon/supervise/process.h"

namespace station::daemon {
namespace {

constexpr mode_t kPrivateMask = 0027;

Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Fail(ErrorCode::kIo, "making " + folder.string() + ": " + error.message());
  return {};
}

std::filesystem::path ProgramDir(const config::Config& config) {
  if (!config.program_dir.empty()) return config.program_dir;
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

scheduler::Budgets BudgetsOf(const config::Budgets& budgets) {
  return {.controller_bytes_per_second = budgets.controller_bytes_per_second,
          .phone_bytes_per_second = budgets.phone_bytes_per_second,
          .controller_endpoints = budgets.controller_endpoints,
          .phone_endpoints = budgets.phone_endpoints,
          .hub_phones = budgets.hub_phones,
          .hub_depth = budgets.hub_depth,
          .mux_connections = budgets.mux_connections,
          .signing_requests = budgets.signing_requests};
}

CartSettings SettingsOf(const config::Config& config) {
  CartSettings settings;
  settings.concurrency = config.concurrency;
  settings.adapt = config.adapt;
  settings.budgets = BudgetsOf(config.budgets);
  settings.mux_restart_command = config.mux_restart_command;
  settings.countdown = config.countdown;
  settings.arming_expiry = config.arming_expiry;
  settings.button_tries = static_cast<int>(config.button_tries);
  settings.button_wait = config.button_wait;
  settings.result_rest = config.restored_port_rest;
  settings.never_wipe = {config.never_wipe.ecids, config.never_wipe.serial_numbers,
                         config.never_wipe.udids};
  settings.signing_url = config.signing_url;
  settings.signing_ca_file = config.signing_ca_file;
  settings.further_hosts = config.further_hosts;
  settings.deadlines = config.deadlines;
  settings.journal_dir = config.state_dir / "journals";
  if (config.capture) settings.capture_dir = config.state_dir / "captures";
  return settings;
}

Network NetworkOf(const config::Config& config) {
  return {config.firmware.proxy, config.firmware.ca_file, config.firmware.bytes_per_second};
}

SupplySettings SupplySettingsOf(const config::Config& config) {
  return {.automatic = config.firmware.fetch_automatically,
          .vendor_list_url = config.firmware.vendor_list_url,
          .ipsw_me_url = config.firmware.ipsw_me_url,
          .signing_url = config.signing_url,
          .signing_ca_file = config.signing_ca_file,
          .network = NetworkOf(config),
          .window = config.firmware.download_window};
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::Start(const config::Config& config,
                                              const std::string& version) {
  ::umask(kPrivateMask);
  STATION_CHECK(MakeFolder(config.run_dir));
  STATION_TRY(lock, LockInstance(config.run_dir));
  for (const char* folder : {"store", "journals", "logs", "captures"})
    STATION_CHECK(MakeFolder(config.state_dir / folder));
  std::unique_ptr<Daemon> daemon(new Daemon(config, version, std::move(lock)));
  STATION_CHECK(daemon->OpenState());
  STATION_CHECK(daemon->OpenCart());
  STATION_CHECK(daemon->OpenSockets());
  STATION_CHECK(daemon->OpenMux());
  return daemon;
}

Daemon::Daemon(const config::Config& config, const std::string& version, Fd lock)
    : config_(config), lock_(std::move(lock)), metrics_(version, config.name) {
  facts_.name = config.name;
  facts_.version = version;
  facts_.signing_url = config.signing_url;
  facts_.store_path = config.state_dir / "store";
  facts_.ledger_path = config.state_dir / "ledger.sqlite";
  facts_.started = ToUnixMillis(clock_.Wall());
}

Daemon::~Daemon() {
  if (closing_.joinable()) closing_.join();
  hotplug_.reset();
  api_.reset();
  ledger_.reset();
}

Status Daemon::OpenState() {
  auto catalogue = catalogue::Catalogue::Load(config_.catalogue_file);
  if (!catalogue) return std::unexpected(catalogue.error());
  catalogue_ = std::move(*catalogue);
  STATION_TRY(shelf,
              store::Shelf::Open(config_.state_dir / "store", store::StaleIncoming::kRemove));
  firmware_.emplace(std::move(shelf));
  STATION_CHECK(firmware_->Refresh());
  STATION_TRY(ledger,
              ledger::Ledger::Open(
                  config_.state_dir / "ledger.sqlite",
                  [this](std::function<void()> call) { boost::asio::post(io_, std::move(call)); },
                  [this](std::chrono::duration<double> time) { metrics_.OnCommit(time); }));
  ledger_ = std::move(ledger);
  STATION_TRY(reader, ledger::Reader::Open(config_.state_dir / "ledger.sqlite"));
  reader_.emplace(std::move(reader));
  return {};
}

Status Daemon::OpenCart() {
  const std::filesystem::path programs = ProgramDir(config_);
  supervisor_ = std::make_unique<Supervisor>(
      io_, SupervisorSettings{
               .worker_program = programs / "station-worker",
               .fetcher_program = programs / "station-fetcher",
               .socket = config_.run_dir / "worker.sock",
               .log_dir = config_.state_dir / "logs",
               .on_count = [this](std::size_t running) { metrics_.SetWorkers(running); }});
  const CartSettings settings = SettingsOf(config_);
  cart_ = std::make_unique<Cart>(
      settings,
      CartParts{
          .clock = clock_,
          .ledger = *ledger_,
          .workers = *supervisor_,
          .firmware = *firmware_,
          .catalogue = *catalogue_,
          .observer = announcer_,
          .key_of = [this](const PortPath& path) { return topology_.KeyOf(path); },
          .last_word = [folder = settings.journal_dir](
                           JobId job, int attempt) { return LastWord(folder, job, attempt); },
          .has_orders = [folder = settings.journal_dir](
                            JobId job, int attempt) { return HasOrders(folder, job, attempt); },
          .sides_of =
              [this](const PortKey& key) {
                std::vector<std::string> sides;
                for (const PortPath& path : topology_.PathsOf(key)) sides.push_back(ToString(path));
                return sides;
              },
          .act_on_port =
              [this](PortTask task, std::function<void(const Ended&)> done) {
                errands_->Start("port", std::move(task),
                                {.done = [done = std::move(done)](const Errands::Answer& answer) {
                                  done(answer.ended);
                                }});
              },
          .supply_text =
              [this](const std::string& product) {
                return supplies_ ? supplies_->Text(product) : std::string();
              }});
  OpenFirmware();
  listeners_ = std::make_unique<Listeners>(*cart_, *imports_, *errands_);
  STATION_TRY(memory, ReadMemory(*reader_));
  std::set<std::string> alive;
  for (const auto& [task, pid] : FindTasks(config_.run_dir / "worker.sock"))
    if (supervisor_->Adopt(task, pid)) alive.insert(task);
  STATION_CHECK(supervisor_->Open(*listeners_));
  cart_->Recall(memory, alive);
  keeper_->Recall(memory.firmware_notes);
  imports_->Recall(memory.downloads, alive);
  ShowStore();
  return {};
}

void Daemon::OpenFirmware() {
  imports_ = std::make_unique<Imports>(
      ImportParts{.clock = clock_,
                  .workers = *supervisor_,
                  .firmware = *firmware_,
                  .ledger = *ledger_,
                  .network = NetworkOf(config_),
                  .on_change = [this] { FirmwareStored(); },
                  .on_progress =
                      [this](const TakingIn& all) {
                        metrics_.SetImports(all.bytes_done, all.bytes_total, all.bytes_per_second);
                      }});
  errands_ = std::make_unique<Errands>(clock_, *supervisor_);
  const auto wants_latest = [this](const PortView& port) -> std::optional<Action> {
    const scheduler::Arming* arming = cart_->Armings().Find({port.arming});
    if (arming == nullptr || !arming->firmware.empty()) return std::nullopt;
    return arming->action;
  };
  supplies_ = std::make_unique<Supplies>(
      SupplySettingsOf(config_),
      SupplyParts{.clock = clock_,
                  .errands = *errands_,
                  .imports = *imports_,
                  .wants_latest = wants_latest,
                  .on_text = [this](const std::string& product) { cart_->OnSupplyText(product); }});
  announcer_.Add(*supplies_);
  keeper_ = std::make_unique<Keeper>(
      KeeperSettings{config_.firmware.store_budget, config_.firmware.scrub_interval,
                     config_.firmware.scrub_bytes_per_second},
      KeeperParts{.clock = clock_,
                  .firmware = *firmware_,
                  .ledger = *ledger_,
                  .errands = *errands_,
                  .in_use = [this] { return cart_->FirmwareInUse(); },
                  .on_change = [this] { FirmwareChanged(); },
                  .on_rot = [this] { metrics_.OnRot(); },
                  .sweep = [this](store::Incoming grave) { sweeper_.Take(std::move(grave)); }});
  announcer_.Add(*keeper_);
}

Status Daemon::OpenSockets() {
  if (config_.metrics_enabled) {
    STATION_TRY(exposition,
                Exposition::Start(config_.metrics_address, config_.metrics_port, metrics_,
                                  {config_.state_dir, config_.run_dir / "worker.sock"}));
    exposition_ = std::move(exposition);
    facts_.metrics_address = exposition_->Address();
    STATION_CHECK(
        WriteFileDurably(config_.run_dir / "metrics.address", exposition_->Address() + "\n"));
  }
  acts_ = std::make_unique<Acts>(state_, *ledger_, *reader_, clock_);
  const ApiParts parts{*acts_,    *cart_,     *imports_, *supplies_, *keeper_,
                       *errands_, *firmware_, hub_,      clock_,     facts_};
  STATION_TRY(
      api, ApiServer::Start(
               parts, {{Role::kViewer, config_.run_dir / "viewer.sock", config_.viewer_group},
                       {Role::kOperator, config_.run_dir / "operator.sock", config_.operator_group},
                       {Role::kAdmin, config_.run_dir / "admin.sock", config_.admin_group}}));
  api_ = std::move(api);
  return {};
}

Status Daemon::OpenMux() {
  const char* address = std::getenv("USBMUXD_SOCKET_ADDRESS");
  STATION_TRY(endpoint, MuxAddress(address == nullptr ? "" : address));
  mux_ = std::make_unique<MuxListener>(io_, endpoint, clock_,
                                       [this](bool connected, const std::set<MuxPhone>& phones) {
                                         cart_->OnMux(connected, phones);
                                       });
  return {};
}

void Daemon::FirmwareChanged() {
  cart_->OnFirmwareChanged();
  ShowStore();
}

void Daemon::FirmwareStored() {
  FirmwareChanged();
  keeper_->OnStored();
}

void Daemon::ShowStore() {
  metrics_.SetFirmware(firmware_->Entries());
  metrics_.SetStore({.bytes = keeper_->BytesHeld(),
                     .budget = config_.firmware.store_budget,
                     .quarantined = firmware_->Quarantined()});
}

void Daemon::Run(std::function<void()> ready) {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) Stop();
  });
  mux_->Start();
  const auto once = std::make_shared<std::function<void()>>(std::move(ready));
  auto hotplug = usb::Hotplug::Start(topology_, [this, once](std::vector<usb::UsbPhone> phones) {
    boost::asio::post(io_, [this, once, phones = std::move(phones)] {
      cart_->OnUsb(phones);
      if (*once) std::exchange(*once, nullptr)();
    });
  });
  if (hotplug)
    hotplug_ = std::move(*hotplug);
  else
    LogError(LogLevel::kError, "USB cannot be watched", hotplug.error());
  const auto work = boost::asio::make_work_guard(io_);
  io_.run();
}

// Workers go on; what they say meanwhile they say again to the next daemon.
void Daemon::Stop() {
  Log(LogLevel::kInfo, "stopping");
  NotifyServiceManager("STOPPING=1");
  cart_->StopTakingWork();
  mux_->Stop();
  hub_.Close();
  // Running calls wait for this thread, so another one waits for them.
  closing_ = std::thread([this] {
    api_->Stop();
    boost::asio::post(io_, [this] {
      supervisor_->Close();
      io_.stop();
    });
  });
}

}  // namespace station::daemon
