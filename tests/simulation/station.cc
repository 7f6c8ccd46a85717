#include "tests/simulation/station.h"

#include <cstdlib>
#include <fstream>

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

constexpr char kProducts[] =
    "products:\n  - {type: \"iPhone10,1\", name: \"iPhone 8\", board: d20ap, chip: 0x8015, "
    "board_id: 0x02}\n";

}  // namespace

Result<std::unique_ptr<Stock>> Stock::Make() {
  std::unique_ptr<Stock> stock(new Stock);
  std::string name = (std::filesystem::temp_directory_path() / "simulationXXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return Fail(ErrorCode::kIo, "making " + name);
  stock->folder_ = name;
  STATION_CHECK(stock->Fill());
  return stock;
}

Status Stock::Fill() {
  auto catalogue = catalogue::Catalogue::Parse(kProducts, "simulation");
  if (!catalogue) return std::unexpected(catalogue.error());
  catalogue_ = std::move(*catalogue);
  STATION_TRY(shelf, store::Shelf::Open(folder_, store::StaleIncoming::kRemove));
  STATION_TRY(incoming, shelf.NewIncoming("simulation"));
  for (const auto file : {store::Shelf::kIpswFile, store::Shelf::kIndexFile})
    std::ofstream(incoming.Folder() / file) << "content";
  store::Entry entry;
  entry.sha256.fill(0x11);
  entry.size = 7;
  entry.version = "15.8";
  entry.build = "19H999";
  entry.products = {"iPhone10,1"};
  entry.added_unix = 1'700'000'000;
  STATION_CHECK(shelf.Commit(std::move(incoming), entry));
  firmware_.emplace(std::move(shelf));
  return firmware_->Refresh();
}

Stock::~Stock() {
  firmware_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Station::Start() {
  cart_ = std::make_unique<daemon::Cart>(
      settings_,
      daemon::CartParts{
          .clock = parts_.clock,
          .ledger = parts_.ledger,
          .workers = parts_.processes,
          .firmware = parts_.stock.Firmware(),
          .catalogue = parts_.stock.Catalogue(),
          .observer = parts_.watch,
          .key_of = [](const PortPath&) { return Fail(ErrorCode::kNotFound, "no such bus"); },
          .last_word = [this](JobId job,
                              int attempt) { return parts_.processes.LastWord(job, attempt); },
          .has_orders = [this](JobId job,
                               int attempt) { return parts_.processes.HasOrders(job, attempt); }});
  parts_.processes.DaemonBack(*cart_);
  cart_->Recall(parts_.ledger.Recall(), parts_.processes.Alive());
  LookAtFloor();
}

void Station::Crash() {
  parts_.processes.DaemonGone();
  cart_.reset();
  parts_.ledger.Crash();
  parts_.watch.DaemonGone();
}

void Station::LookAtFloor() {
  if (!std::exchange(scan_due_, true))
    parts_.clock.After(parts_.random.Time(5ms, 40ms), [this] { Scan(); });
  if (!std::exchange(list_due_, true))
    parts_.clock.After(parts_.random.Time(300ms, 1500ms), [this] { List(); });
}

void Station::Scan() {
  scan_due_ = false;
  if (cart_) cart_->OnUsb(parts_.floor.Bus());
}

void Station::List() {
  list_due_ = false;
  if (cart_) cart_->OnMux(mux_up_, mux_up_ ? parts_.floor.MuxList() : std::set<daemon::MuxPhone>());
}

void Station::SetMux(bool up) {
  if (std::exchange(mux_up_, up) == up) return;
  if (!up) parts_.processes.OnMuxGone();
  LookAtFloor();
}

}  // namespace station::simulation
