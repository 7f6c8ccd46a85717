#include "tests/rack/model/phone.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "station/base/fd.h"
#include "tests/rack/image4/components.h"

namespace rack {
namespace {

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string::npos) {
    const std::size_t end = text.find(' ', at);
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace

Phone::Phone(PhoneSpec spec, RootOfTrust root, std::string state_file)
    : spec_(std::move(spec)),
      root_(std::move(root)),
      state_file_(std::move(state_file)),
      state_(FreshState(spec_)) {
  if (const auto text = station::ReadFile(state_file_))
    if (const auto saved = Value::Parse(*text)) state_ = FromValue(*saved, spec_);
  for (const std::string& fault : spec_.faults)
    if (const auto applied = ApplyFault(faults_, state_, Words(fault)); !applied)
      spdlog::error("phone={} {}", spec_.name, applied.error().context);
}

void Phone::RecordTo(const std::filesystem::path& file) {
  recorder_ = std::make_unique<Recorder>(file);
}

void Phone::Record(std::string_view channel, Toward toward, std::string_view kind,
                   const Value& what) const {
  if (!recorder_->On()) return;
  RecordedEvent event{.channel = std::string(channel), .toward = toward, .kind = std::string(kind)};
  {
    const std::lock_guard lock(mutex_);
    event.boot = state_.boot_number;
    event.stage = Name(state_.stage);
  }
  recorder_->Note(std::move(event), what);
}

void Phone::RecordPayload(std::string_view channel, std::string_view kind,
                          std::span<const std::uint8_t> bytes) const {
  if (recorder_->On()) Record(channel, Toward::kPhone, kind, PayloadNote(bytes));
}

Stream::Tap Phone::TapFor(const std::string& channel) const {
  if (!recorder_->On()) return {};
  return [this, channel](bool incoming, const Value& message) {
    Record(channel, incoming ? Toward::kPhone : Toward::kHost, "message", message);
  };
}

PhoneState Phone::State() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Phone::Change(const std::function<void(PhoneState&)>& change) {
  const std::lock_guard lock(mutex_);
  change(state_);
}

void Phone::ChangeAndSave(const std::function<void(PhoneState&)>& change) {
  const std::lock_guard lock(mutex_);
  change(state_);
  Save(state_);
}

// No fsync: a simulated phone has to outlive the process, not the machine, and thirty of them stop
// at once.
void Phone::Save(const PhoneState& state) const {
  if (state_file_.empty()) return;
  const std::string half_written = state_file_ + ".new";
  std::ofstream(half_written) << ToValue(state).ToXml();
  std::error_code error;
  std::filesystem::rename(half_written, state_file_, error);
  if (error) spdlog::error("phone={} saving its state: {}", spec_.name, error.message());
}

void Phone::Refuse(Refusal refusal) {
  spdlog::warn("phone={} reason={} detail=\"{}\"", spec_.name, Name(refusal.reason),
               refusal.detail);
  ChangeAndSave([&](PhoneState& state) { state.last_error = std::move(refusal); });
}

ChipIdentity Phone::Chip() const {
  const std::lock_guard lock(mutex_);
  ChipIdentity chip{spec_.product.chip, spec_.product.board_id, spec_.ecid.value,        1, 1,
                    state_.ap_nonce,    state_.sep_nonce,       spec_.product.generation};
  if (faults_.stale_nonce) chip.ap_nonce[0] ^= 0xFFU;
  return chip;
}

Phone::Nonces Phone::ShownNonces() const {
  const std::lock_guard lock(mutex_);
  Nonces shown{state_.ap_nonce, state_.sep_nonce};
  if (faults_.stale_nonce && state_.last_error.reason == Reason::kNonce) shown.ap[0] ^= 0xFFU;
  return shown;
}

PhoneFaults Phone::Faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

station::Status Phone::SetFault(const std::vector<std::string>& words) {
  const std::lock_guard lock(mutex_);
  const auto applied = ApplyFault(faults_, state_, words);
  Save(state_);
  return applied;
}

bool Phone::TakeUploadFault(std::string PhoneFaults::*fault, const std::string& four_cc) {
  const std::lock_guard lock(mutex_);
  const std::string& wanted = faults_.*fault;
  const bool named = !four_cc.empty() && (wanted == four_cc || TicketName(wanted) == four_cc);
  if (wanted.empty() || (wanted != "any" && !named)) return false;
  (faults_.*fault).clear();
  return true;
}

bool Phone::TakeCorruption(const std::string& four_cc) {
  return TakeUploadFault(&PhoneFaults::corrupt_upload, four_cc);
}

void Phone::LosePower() {
  const std::lock_guard lock(mutex_);
  faults_.wedged = false;
}

bool Phone::TakeSendRefusal(const std::string& four_cc) {
  if (Faults().wedged) return true;
  return TakeUploadFault(&PhoneFaults::refuse_send, four_cc);
}

std::optional<PhoneFaults> Phone::TakeAsrFaults() {
  const std::lock_guard lock(mutex_);
  if (!faults_.unplug_at_byte && !faults_.stall_asr) return std::nullopt;
  const PhoneFaults taken = faults_;
  if (faults_.unplug_at_byte) replug_after_ = std::exchange(faults_.replug_after, std::nullopt);
  faults_.unplug_at_byte.reset();
  faults_.stall_asr = false;
  return taken;
}

bool Phone::Take(bool PhoneFaults::*fault) {
  const std::lock_guard lock(mutex_);
  return std::exchange(faults_.*fault, false);
}

bool Phone::TakeUnplugAt(std::string_view step) {
  const std::lock_guard lock(mutex_);
  if (faults_.unplug_at_step != step) return false;
  faults_.unplug_at_step.clear();
  replug_after_ = std::exchange(faults_.replug_after, std::nullopt);
  return true;
}

std::optional<StepFault> Phone::TakeStepFault(std::string_view step) {
  const std::lock_guard lock(mutex_);
  if (!faults_.at_step || faults_.at_step->step != step) return std::nullopt;
  return std::exchange(faults_.at_step, std::nullopt);
}

bool Phone::Holds(std::string_view step) {
  const std::lock_guard lock(mutex_);
  held_at_ = faults_.hold_at_step == step ? step : "";
  return !held_at_.empty();
}

std::string Phone::HeldAt() const {
  const std::lock_guard lock(mutex_);
  return held_at_;
}

std::optional<std::chrono::seconds> Phone::TakeReplug() {
  const std::lock_guard lock(mutex_);
  return std::exchange(replug_after_, std::nullopt);
}

std::chrono::seconds Phone::TakeLateReattach() {
  const std::lock_guard lock(mutex_);
  return std::exchange(faults_.late_reattach, std::nullopt).value_or(std::chrono::seconds(0));
}

bool Phone::TakeUpdaterLoop(const std::string& updater) {
  const std::lock_guard lock(mutex_);
  if (faults_.updater_loop != updater || faults_.updater_rounds <= 0) return false;
  --faults_.updater_rounds;
  return true;
}

std::future<void> Phone::Ask(Wish wish) {
  Request request{std::move(wish), std::make_shared<std::promise<void>>()};
  auto done = request.done->get_future();
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  changed_.notify_all();
  return done;
}

std::optional<Phone::Request> Phone::NextRequest() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || !requests_.empty(); });
  if (stopped_) return std::nullopt;
  Request request = std::move(requests_.front());
  requests_.pop_front();
  return request;
}

bool Phone::Sleep(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, duration, [this] { return stopped_; });
}

void Phone::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (Request& request : requests_) request.done->set_value();
    requests_.clear();
    Save(state_);
  }
  changed_.notify_all();
}

}  // namespace rack
