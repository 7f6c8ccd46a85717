#pragma once
// stationd without processes and sockets: the real cart on simulated parts; may crash and come
// back.

#include <memory>
#include <optional>
#include <set>

#include "station/daemon/cart/cart.h"
#include "tests/simulation/floor.h"
#include "tests/simulation/memory_ledger.h"
#include "tests/simulation/processes.h"
#include "tests/simulation/watch.h"

namespace station::simulation {

// The firmware and the catalogue of all runs: nothing of theirs changes.
class Stock {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Stock>> Make();
  ~Stock();

  [[nodiscard]] daemon::FirmwareChoice& Firmware() { return *firmware_; }
  [[nodiscard]] const catalogue::Catalogue& Catalogue() const { return *catalogue_; }

 private:
  Stock() = default;
  [[nodiscard]] Status Fill();
  std::filesystem::path folder_;
  std::optional<daemon::FirmwareChoice> firmware_;
  std::optional<catalogue::Catalogue> catalogue_;
};

struct StationParts {
  Clock& clock;
  Random& random;
  Floor& floor;
  MemoryLedger& ledger;
  Processes& processes;
  Watch& watch;
  Stock& stock;
};

class Station {
 public:
  Station(daemon::CartSettings settings, StationParts parts)
      : settings_(std::move(settings)), parts_(parts) {}
  ~Station() { cart_.reset(); }

  void Start();
  void Crash();
  [[nodiscard]] bool Up() const { return cart_ != nullptr; }
  [[nodiscard]] daemon::Cart& Cart() { return *cart_; }

  // Something changed on the floor: the host sees it a little later, usbmuxd after it.
  void LookAtFloor();
  void SetMux(bool up);
  [[nodiscard]] bool MuxUp() const { return mux_up_; }

 private:
  void Scan();
  void List();

  daemon::CartSettings settings_;
  StationParts parts_;
  std::unique_ptr<daemon::Cart> cart_;
  bool scan_due_ = false;
  bool list_due_ = false;
  bool mux_up_ = true;
};

}  // namespace station::simulation
