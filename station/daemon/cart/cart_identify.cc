// Asking a newly seen phone who it is.

#include <algorithm>

#include "station/base/log.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

using scheduler::PortEvent;
using namespace std::chrono_literals;

constexpr int kIdentifyTries = 3;
constexpr auto kMuxPatience = 5s;  // usbmuxd shows a phone only after it talked to it
constexpr auto kIdentifyDeadline = 90s;

// What usbmuxd lists at the phone's place on its bus; null when there is nothing.
const MuxPhone* Listed(const std::set<MuxPhone>& phones, const usb::UsbPhone& phone) {
  const auto at =
      phones.lower_bound({.bus = phone.path.bus, .device_number = phone.device_number, .udid = ""});
  const bool is_it = at != phones.end() && at->bus == phone.path.bus &&
                     at->device_number == phone.device_number;
  return is_it ? &*at : nullptr;
}

bool ListsPaired(const std::set<MuxPhone>& phones, const usb::UsbPhone& phone) {
  const MuxPhone* const listed = Listed(phones, phone);
  return listed != nullptr && listed->newly_paired;
}

}  // namespace

void Cart::OnMux(bool connected, const std::set<MuxPhone>& phones) {
  mux_connected_ = connected;
  mux_phones_ = phones;
  for (auto& [key, port] : ports_) {
    WatchListing(port);
    if (!port.usb || Listed(mux_phones_, *port.usb) == nullptr) continue;
    if (port.mux_wait.Running()) {
      port.mux_wait.Stop();
      QueueIdentify(port);
    } else if (port.hands && port.job->error == ErrorCode::kPairingNeeded &&
               ListsPaired(mux_phones_, *port.usb)) {
      GoOn(port);
    } else if (port.view.state == PortState::kFailed && !port.job) {
      Apply(port, PortEvent::kPhoneCame);  // it could not be asked before
    }
  }
  CartChanged();
}

// A phone that stays on USB without usbmuxd listing it. While a worker is on its port, that one
// waits for it and says so.
void Cart::WatchListing(Port& port) {
  const PortState state = port.view.state;
  const bool works = state == PortState::kWorking || state == PortState::kCancelling;
  const bool missing = port.usb && port.usb->mode == PhoneMode::kNormal && mux_connected_ &&
                       !works && Listed(mux_phones_, *port.usb) == nullptr;
  if (missing) {
    if (!port.listing.Running() && !port.view.unlisted)
      port.listing.Set(settings_.mux_patience, [this, &port] { NotListed(port); });
    return;
  }
  port.listing.Stop();
  if (!std::exchange(port.view.unlisted, false)) return;
  Log(LogLevel::kInfo, "usbmuxd lists the phone again", {{"port", port.view.label}});
  Changed(port);
}

void Cart::BeginIdentify(Port& port) {
  const PhoneMode mode = port.view.phone.mode;
  Forget(port);
  port.view.phone.mode = mode;
  port.identify_tries = 0;
  if (!port.usb || port.usb->mode != PhoneMode::kNormal || Listed(mux_phones_, *port.usb) != nullptr)
    return QueueIdentify(port);
  port.mux_wait.Set(kMuxPatience, [this, &port] { QueueIdentify(port); });
}

// Never two processes on one port: one that was ended, or only has to exit, is waited for.
void Cart::QueueIdentify(Port& port) {
  if (ending_ || port.view.state != PortState::kIdentifying) return;
  if (!port.task.empty()) {
    port.identify_when_gone = true;
    return;
  }
  identify_slots_.Enqueue({port.view.key});
  PumpIdentify();
}

void Cart::PumpIdentify() {
  while (const auto key = identify_slots_.Next()) StartIdentify(PortFor(*key));
}

void Cart::StartIdentify(Port& port) {
  ++port.identify_tries;
  ledger::JobRow row;
  row.id = parts_.ledger.NextJobId();
  row.action = Action::kIdentify;
  row.port = port.view.key;
  row.port_label = port.view.label;
  row.phone.mode = port.usb ? port.usb->mode : PhoneMode::kNone;
  row.attempt = port.identify_tries;
  row.created = row.began = NowMillis();
  row.step = Step::kIdentify;
  port.identify = row;
  port.meter.BeginStep(Step::kIdentify, parts_.clock.Now());
  parts_.ledger.Append({ledger::PutJob{row}}, [this, &port, row](Status status) {
    if (!port.identify || port.identify->id != row.id) return;  // the phone left meanwhile
    if (!status) return IdentifyEnded(port, ErrorCode::kLedger, status.error().context);
    if (!port.usb) return IdentifyEnded(port, ErrorCode::kPhoneGone, "left before it was asked");
    port.task = TaskName(row.id);
    port.task_ended = false;
    Task task{port.task, IdentifyTask{row.id,
                                      {port.view.key, port.paths, port.view.label},
                                      port.usb->mode,
                                      port.usb->serial}};
    if (const Status started = parts_.workers.Start(std::move(task)); !started) {
      port.task.clear();
      return IdentifyEnded(port, started.error().code, started.error().context);
    }
    port.deadline.Set(kIdentifyDeadline,
                      [this, &port] { KillFor(port, ErrorCode::kStepTimeout, "identifying"); });
  });
}

void Cart::OnIdentified(const std::string& task, const ledger::PhoneFacts& facts) {
  Port* port = PortOfTask(task);
  if (port == nullptr || !port->identify) return;
  ledger::PhoneFacts phone = facts;
  Complete(phone);
  port->view.phone = phone;
  port->identify->phone = phone;
  Records records;
  if (phone.ecid.Known()) {
    phones_.insert_or_assign(phone.ecid, phone);
    records.push_back(ledger::PutPhone{phone, NowMillis()});
  }
  parts_.ledger.Append(std::move(records));
  IdentifyEnded(*port, ErrorCode::kNone, {});
}

// What this mode does not tell is taken from an earlier sight of the phone, then from the
// catalogue.
void Cart::Complete(ledger::PhoneFacts& phone) const {
  if (const auto known = phones_.find(phone.ecid); phone.ecid.Known() && known != phones_.end()) {
    const auto fill = [](std::string& to, const std::string& from) {
      if (to.empty()) to = from;
    };
    fill(phone.udid, known->second.udid);
    fill(phone.serial_number, known->second.serial_number);
    fill(phone.product, known->second.product);
    fill(phone.board, known->second.board);
    if (phone.chip_id == 0) {
      phone.chip_id = known->second.chip_id;
      phone.board_id = known->second.board_id;
    }
  }
  const catalogue::Product* product = parts_.catalogue.FindByType(phone.product);
  if (product == nullptr && !phone.board.empty())
    product = parts_.catalogue.FindByBoard(phone.board);
  if (product == nullptr && phone.chip_id != 0)
    product = parts_.catalogue.FindByChip(phone.chip_id, phone.board_id);
  if (product == nullptr) return;
  phone.product = product->type;
  phone.product_name = product->name;
  if (phone.board.empty()) phone.board = product->board;
  if (phone.chip_id == 0) {
    phone.chip_id = product->chip_id;
    phone.board_id = product->board_id;
  }
}

// Closes the identify job; asks again while there are tries left.
void Cart::IdentifyEnded(Port& port, ErrorCode error, const std::string& context) {
  if (!port.identify) return;
  ledger::JobRow row = *port.identify;
  port.identify.reset();
  LetItExit(port);
  row.ended = NowMillis();
  row.error = error;
  row.context = context;
  parts_.ledger.Append({ledger::PutJob{row}});
  identify_slots_.Remove(port.view.key);
  if (error == ErrorCode::kNone) {
    Apply(port, PortEvent::kIdentified);
  } else {
    LogError(LogLevel::kWarning, "identify failed", {error, context},
             {{"port", port.view.label},
              {"job", std::to_string(row.id.value)},
              {"attempt", std::to_string(row.attempt)}});
    if (port.identify_tries < kIdentifyTries && port.usb && !ending_) {
      port.mux_wait.Set(1s, [this, &port] { QueueIdentify(port); });
    } else {
      port.view.error = error;
      Apply(port, PortEvent::kNotIdentified);
    }
  }
  PumpIdentify();
}

void Cart::StopIdentify(Port& port, ErrorCode why) {
  port.mux_wait.Stop();
  port.identify_when_gone = false;
  if (port.task.empty()) identify_slots_.Remove(port.view.key);  // else once that is gone
  if (port.identify) {
    ledger::JobRow row = *port.identify;
    port.identify.reset();
    port.deadline.Stop();
    row.ended = NowMillis();
    row.error = why;
    row.outcome = Outcome::kCancelled;
    parts_.ledger.Append({ledger::PutJob{row}});
    port.task_ended = true;  // whatever it still says
    if (!port.task.empty()) parts_.workers.Kill(port.task);
  }
  PumpIdentify();
}

}  // namespace station::daemon
