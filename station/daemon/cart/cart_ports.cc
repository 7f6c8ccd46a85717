// What USB says about ports, and how ports look from outside.

#include <algorithm>
#include <cctype>

#include "station/base/log.h"
#include "station/daemon/cart/cart.h"
#include "station/usb/phone_serial.h"

namespace station::daemon {
namespace {

using scheduler::PortAction;
using scheduler::PortEvent;
using namespace std::chrono_literals;

constexpr std::chrono::seconds kAwayTime = 3s;  // longer than a phone takes to re-enumerate
constexpr auto kPublishInterval = 200ms;

std::string Controller(const PortKey& key) { return key.value.substr(0, key.value.rfind(':')); }
std::string Chain(const PortKey& key) { return key.value.substr(key.value.rfind(':') + 1); }

// "A2" before "A10".
bool NaturallyBefore(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const std::size_t a_end = std::min(a.find_first_not_of("0123456789", i), a.size());
      const std::size_t b_end = std::min(b.find_first_not_of("0123456789", j), b.size());
      if (a_end - i != b_end - j) return a_end - i < b_end - j;
      if (const int order = a.compare(i, a_end - i, b, j, b_end - j); order != 0) return order < 0;
      i = a_end;
      j = b_end;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

bool SameUdid(std::string a, std::string b) {
  for (std::string* text : {&a, &b}) {
    std::erase(*text, '-');
    std::ranges::transform(*text, text->begin(), [](unsigned char c) { return std::tolower(c); });
  }
  return a == b;
}

std::vector<std::string> PathsOf(const usb::UsbPhone& phone) {
  std::vector<std::string> paths = {ToString(phone.path)};
  if (phone.other_side) paths.push_back(ToString(*phone.other_side));
  return paths;
}

}  // namespace

void Cart::OnUsb(const std::vector<usb::UsbPhone>& phones) {
  std::map<PortKey, const usb::UsbPhone*> present;
  for (const usb::UsbPhone& phone : phones) present.emplace(phone.port, &phone);
  for (auto& [key, port] : ports_)
    if (port.usb && !present.contains(key)) Left(port);
  for (const auto& [key, phone] : present) {
    Port& port = PortFor(key);
    if (!port.usb || *port.usb != *phone) Came(port, *phone);
  }
}

void Cart::Came(Port& port, const usb::UsbPhone& phone) {
  Log(LogLevel::kInfo, "phone on port",
      {{"port", port.view.label},
       {"path", ToString(phone.path)},
       {"mode", std::string(Name(phone.mode))}});
  port.usb = phone;
  port.paths = PathsOf(phone);
  port.away.Stop();
  port.view.path = ToString(phone.path);
  port.view.speed = phone.speed;
  const PortState state = port.view.state;
  const bool result = state == PortState::kDone || state == PortState::kFailed;
  const bool job_runs = state == PortState::kQueued || state == PortState::kWorking ||
                        state == PortState::kCancelling;
  if (result) port.seen_since_end = true;
  port.view.phone.mode = phone.mode;
  Apply(port, job_runs || (result && IsPhoneOfResult(port)) ? PortEvent::kPhoneBack
                                                            : PortEvent::kPhoneCame);
  if (AnswersHands(port)) GoOn(port);
  if (port.settle.Running()) Settled(port);
  WatchListing(port);
  Changed(port);
}

void Cart::Left(Port& port) {
  Log(LogLevel::kInfo, "phone left port", {{"port", port.view.label}, {"path", port.view.path}});
  Missed(port);
  port.usb.reset();
  WatchListing(port);
  port.view.path.clear();
  port.view.speed.clear();
  port.view.phone.mode = PhoneMode::kNone;
  Apply(port, PortEvent::kPhoneGone);
  if (!AwaitsItsPhone(port))
    TimeAbsence(port);
  else if (port.task.empty() && !port.hands && !port.acting)
    AwaitPhone(port);
  Changed(port);
}

// A job that began goes on when its phone is plugged back in.
bool Cart::AwaitsItsPhone(const Port& port) {
  return port.view.state == PortState::kQueued && port.job && port.job->began.value != 0;
}

void Cart::TimeAbsence(Port& port) {
  const auto is_result = [&port] {
    return port.view.state == PortState::kDone || port.view.state == PortState::kFailed;
  };
  std::chrono::seconds patience = kAwayTime;
  if (is_result()) patience = std::max(kAwayTime, settings_.result_rest);
  port.away.Set(patience, [this, &port, is_result] {
    if (AwaitsItsPhone(port)) return;  // it waits for hands now, not for this
    if (!is_result() || port.seen_since_end) Apply(port, PortEvent::kStayedAway);
  });
}

// Whether what is plugged in now may be the phone whose result is shown. Said by the USB serial
// string: the ECID in recovery and DFU mode, the UDID in normal mode; where it says nothing, it is
// taken for the same.
bool Cart::IsPhoneOfResult(const Port& port) const {
  if (!port.job || port.job->ended.value == 0) return false;
  const ledger::PhoneFacts& phone = port.job->phone;
  if (const auto tokens = usb::ParseSerialTokens(port.usb->serial); tokens && tokens->ecid.Known())
    return tokens->ecid == phone.ecid;
  const std::string udid = usb::UdidOfSerial(port.usb->serial);
  return udid.empty() || phone.udid.empty() || SameUdid(udid, phone.udid);
}

bool Cart::Apply(Port& port, PortEvent event) {
  const auto row = machine_.On(port.view.state, event);
  if (!row) return false;
  if (row->to != row->from)
    Log(LogLevel::kInfo, "port state",
        {{"port", port.view.label},
         {"from", std::string(Name(row->from))},
         {"to", std::string(Name(row->to))},
         {"event", std::string(Name(event))},
         {"job", std::to_string(port.view.job.value)}});
  port.view.state = row->to;
  if (row->to != row->from || event == PortEvent::kDaemonRestarted) TimeState(port);
  Do(port, row->action);
  Changed(port);
  return true;
}

void Cart::TimeState(Port& port) {
  port.state_limit.Stop();
  const auto limit = machine_.Limit(port.view.state);
  if (limit.count() > 0) port.state_limit.Set(limit, [this, &port] { StateTimedOut(port); });
}

// What should have ended it did not: a fault of the station, and the port is not lost to it.
void Cart::StateTimedOut(Port& port) {
  Log(LogLevel::kError, "port state timed out",
      {{"port", port.view.label}, {"state", std::string(Name(port.view.state))}});
  const PortState state = port.view.state;
  if (state == PortState::kIdentifying) {
    StopIdentify(port, ErrorCode::kStepTimeout);
    port.view.error = ErrorCode::kStepTimeout;
  } else if (state != PortState::kArmed && port.job) {
    port.job->error = ErrorCode::kStepTimeout;
    port.job->context = "the port was " + std::string(Name(state)) + " for too long";
    port.queue_when_gone = port.queue_when_stored = false;
    LetItExit(port);
    if (!port.task.empty()) parts_.workers.Kill(port.task);
  }
  Apply(port, PortEvent::kTimeOut);
}

void Cart::Do(Port& port, PortAction action) {
  switch (action) {
    case PortAction::kNothing:
      return;
    case PortAction::kIdentify:
      return BeginIdentify(port);
    case PortAction::kForget:
      return Forget(port);
    case PortAction::kConsiderArmings:
      return ConsiderArmings(port);
    case PortAction::kStartCountdown:
      return CountDown(port);
    case PortAction::kStopCountdown:
      return Unarm(port);
    case PortAction::kShowHold:
      port.countdown.Stop();
      return;
    case PortAction::kCreateJob:
      return CreateJob(port);
    case PortAction::kWithdrawJob:
      return WithdrawJob(port, ErrorCode::kCancelled, "withdrawn before it began");
    case PortAction::kLosePhone:
      return WithdrawJob(port, ErrorCode::kPhoneGone, "it was not plugged back in");
    case PortAction::kRunWorker:
      return RunWorker(port);
    case PortAction::kSendCancel:
      return SendCancel(port);
    case PortAction::kEndJob:
      return EndJob(port);
    case PortAction::kQueueAgain:
      return RunAgain(port);
    case PortAction::kStoreTry:
      return StoreTry(port);
    case PortAction::kAwaitHands:
      return AwaitHands(port, false);
    case PortAction::kQueueBack:
      return QueueBack(port);
    case PortAction::kTakeBack:
      return TakeBack(port);
  }
}

void Cart::Forget(Port& port) {
  StopIdentify(port);
  Unarm(port);
  port.view.phone = {};
  port.view.job = {};
  port.view.outcome = Outcome::kNone;
  port.view.error = ErrorCode::kNone;
  port.view.simulated = false;
  port.view.progress = {};
  port.job.reset();
}

// ---- names

Port& Cart::PortFor(const PortKey& key) {
  const auto [found, is_new] = ports_.try_emplace(key, parts_.clock);
  if (is_new) {
    found->second.view.key = key;
    if (controllers_.insert(Controller(key)).second)
      Relabel();
    else
      Label(found->second);
  }
  return found->second;
}

std::string Cart::DefaultLabel(const PortKey& key) const {
  if (controllers_.size() < 2) return Chain(key);
  const auto place = std::distance(controllers_.begin(), controllers_.find(Controller(key)));
  return std::to_string(place + 1) + ':' + Chain(key);
}

void Cart::Label(Port& port) {
  const auto taught = labels_.find(port.view.key);
  const std::string label = taught != labels_.end() ? taught->second : DefaultLabel(port.view.key);
  if (port.view.label == label) return;
  port.view.label = label;
  Changed(port);
}

// A further controller changes the labels nobody taught.
void Cart::Relabel() {
  for (auto& [key, port] : ports_) Label(port);
}

Result<PortKey> Cart::Resolve(const std::string& name) const {
  for (const auto& [key, port] : ports_)
    if (name == port.view.label || name == key.value) return key;
  for (const auto& [key, label] : labels_)
    if (name == label || name == key.value) return key;
  for (const auto& [key, port] : ports_)
    if (std::ranges::find(port.paths, name) != port.paths.end() && port.usb) return key;
  if (const auto path = ParsePortPath(name); path && !path->chain.empty())
    if (const auto key = parts_.key_of(*path)) return *key;
  return Fail(ErrorCode::kNotFound, "no port is called " + name);
}

std::vector<PortView> Cart::Ports() const {
  std::vector<PortView> views;
  for (const auto& [key, port] : ports_) views.push_back(port.view);
  std::ranges::stable_sort(views, [](const PortView& a, const PortView& b) {
    return NaturallyBefore(a.label, b.label);
  });
  return views;
}

Result<PortView> Cart::FindPort(const std::string& name) {
  STATION_TRY(key, Resolve(name));
  return PortFor(key).view;
}

Port* Cart::PortOfTask(const std::string& task) {
  if (task.empty()) return nullptr;
  const auto found =
      std::ranges::find_if(ports_, [&](const auto& entry) { return entry.second.task == task; });
  return found == ports_.end() ? nullptr : &found->second;
}

Port* Cart::PortOfJob(JobId id) {
  const auto found = std::ranges::find_if(
      ports_, [&](const auto& entry) { return entry.second.job && entry.second.job->id == id; });
  return found == ports_.end() ? nullptr : &found->second;
}

// ---- how it looks

std::string Cart::WhatToDo(const Port& port) const {
  if (LacksFirmware(port.view))
    if (std::string text = parts_.supply_text(port.view.phone.product); !text.empty()) return text;
  if (port.view.Shown() != ErrorCode::kNone) return std::string(OperatorLine(port.view.Shown()));
  if (port.view.state != PortState::kQueued) return {};
  if (emergency_stop_) return std::string(OperatorLine(ErrorCode::kEmergencyStop));
  const bool begun = port.job && port.job->began.value != 0;
  if (drain_ == Drain::kUps || (drain_ == Drain::kOn && !begun))
    return std::string(OperatorLine(ErrorCode::kDraining));
  return {};
}

void Cart::OnSupplyText(const std::string& product) {
  for (auto& [key, port] : ports_)
    if (LacksFirmware(port.view) && port.view.phone.product == product) Changed(port);
}

void Cart::Changed(Port& port) {
  port.view.what_to_do = WhatToDo(port);
  port.view.revision = ++revision_;
  port.view.changed = parts_.clock.Wall();
  Publish(port);
}

// Progress alone is shown at most five times a second.
void Cart::ProgressChanged(Port& port) {
  if (port.publish.Running()) return;
  const auto since =
      std::chrono::duration_cast<std::chrono::milliseconds>(parts_.clock.Now() - port.published);
  if (since >= kPublishInterval) return Changed(port);
  port.publish.Set(kPublishInterval - since, [this, &port] { Changed(port); });
}

void Cart::Publish(Port& port) {
  port.publish.Stop();
  port.published = parts_.clock.Now();
  if (!port.view.label.empty()) parts_.observer.OnPort(port.view);
}

CartView Cart::View() const {
  return {.emergency_stop = emergency_stop_,
          .drain = drain_,
          .limit = slots_.JobLimit(),
          .configured = settings_.concurrency,
          .waiting_for = slots_.WaitingFor(),
          .working = slots_.Working(),
          .queued = slots_.Queued(),
          .mux_connected = mux_connected_};
}

}  // namespace station::daemon
