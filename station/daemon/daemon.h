#pragma once
// stationd put together: everything by constructor, in the order in which it is needed. One thread
// (the caller of Run) is the state thread; gRPC, hotplug and ledger threads only post to it.

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "config/config.h"
#include "station/daemon/api/server.h"
#include "station/daemon/cart/asio_clock.h"
#include "station/daemon/cart/cart.h"
#include "station/daemon/cart/errands.h"
#include "station/daemon/cart/imports.h"
#include "station/daemon/cart/keeper.h"
#include "station/daemon/cart/supplies.h"
#include "station/daemon/cart/sweeper.h"
#include "station/daemon/metrics/exposition.h"
#include "station/daemon/mux_listener.h"
#include "station/daemon/supervise/listeners.h"
#include "station/daemon/supervise/supervisor.h"
#include "station/ledger/ledger.h"
#include "station/usb/hotplug.h"

namespace station::daemon {

// Everybody who watches hears the same.
class Announcer : public CartObserver {
 public:
  explicit Announcer(std::vector<CartObserver*> hearers) : hearers_(std::move(hearers)) {}
  void Add(CartObserver& hearer) { hearers_.push_back(&hearer); }
  void OnPort(const PortView& port) override {
    for (CartObserver* hearer : hearers_) hearer->OnPort(port);
  }
  void OnCart(const CartView& cart) override {
    for (CartObserver* hearer : hearers_) hearer->OnCart(cart);
  }
  void OnJobEnded(const ledger::JobRow& job) override {
    for (CartObserver* hearer : hearers_) hearer->OnJobEnded(job);
  }
  void OnHubLost(const std::string& hub, std::size_t phones) override {
    for (CartObserver* hearer : hearers_) hearer->OnHubLost(hub, phones);
  }
  void OnRung(const PortView& port) override {
    for (CartObserver* hearer : hearers_) hearer->OnRung(port);
  }
  void OnAttemptEnded(const ledger::JobRow& job) override {
    for (CartObserver* hearer : hearers_) hearer->OnAttemptEnded(job);
  }
  void OnStepEnded(Step step, std::chrono::duration<double> time) override {
    for (CartObserver* hearer : hearers_) hearer->OnStepEnded(step, time);
  }
  void OnBytes(const PortView& port, std::uint64_t more) override {
    for (CartObserver* hearer : hearers_) hearer->OnBytes(port, more);
  }

 private:
  std::vector<CartObserver*> hearers_;
};

class Daemon {
 public:
  // Everything is open and usable, or the error says what is not.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> Start(const config::Config& config,
                                                             const std::string& version);
  ~Daemon();

  // Until SIGTERM or SIGINT. `ready` is called once the first scan of the bus was taken in.
  void Run(std::function<void()> ready);

 private:
  Daemon(const config::Config& config, const std::string& version, Fd lock);
  [[nodiscard]] Status OpenState();
  [[nodiscard]] Status OpenCart();
  void OpenFirmware();
  [[nodiscard]] Status OpenSockets();
  [[nodiscard]] Status OpenMux();
  void FirmwareChanged();
  void FirmwareStored();
  void ShowStore();
  void Stop();

  config::Config config_;
  Fd lock_;
  boost::asio::io_context io_;
  AsioClock clock_{io_};
  StateThread state_{io_};
  boost::asio::signal_set signals_{io_};
  Metrics metrics_;
  WatchHub hub_;
  Announcer announcer_{{&hub_, &metrics_}};
  StationFacts facts_;
  Sweeper sweeper_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::optional<ledger::Reader> reader_;
  std::optional<catalogue::Catalogue> catalogue_;
  std::optional<FirmwareChoice> firmware_;
  usb::Topology topology_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<Cart> cart_;
  std::unique_ptr<Imports> imports_;
  std::unique_ptr<Errands> errands_;
  std::unique_ptr<Supplies> supplies_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Listeners> listeners_;
  std::unique_ptr<MuxListener> mux_;
  std::unique_ptr<usb::Hotplug> hotplug_;
  std::unique_ptr<Acts> acts_;
  std::unique_ptr<Exposition> exposition_;
  std::unique_ptr<ApiServer> api_;
  std::thread closing_;
};

}  // namespace station::daemon
