#pragma once
// One phone: who it is, what it holds, what is asked of it. One mutex; no sockets and no USB here.
// Whoever talks to a host reads and changes it, and requests that it run something else; its
// Presence then moves it on the bus.

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/rack/image4/verify.h"
#include "tests/rack/model/cart.h"
#include "tests/rack/model/faults.h"
#include "tests/rack/model/notifications.h"
#include "tests/rack/model/phone_state.h"
#include "tests/rack/model/recorder.h"
#include "tests/rack/wire/stream.h"

namespace rack {

class Phone {
 public:
  struct Wish {
    enum class Kind { kEvent, kPlug, kUnplug, kMove, kPlugLater } kind = Kind::kEvent;
    Event event = Event::kReboot;  // kEvent
    std::uint64_t boot = 0;  // kEvent: dropped unless this boot still runs; 0 is whenever (buttons)
    station::PortPath port = {};         // kMove
    std::chrono::milliseconds after{0};  // kPlugLater
  };
  struct Request {
    Wish wish;
    std::shared_ptr<std::promise<void>>
        done;  // shared: the asker may stop waiting before it is fulfilled
  };

  // Takes up the state saved in `state_file`, if there is one.
  Phone(PhoneSpec spec, RootOfTrust root, std::string state_file);

  [[nodiscard]] const PhoneSpec& Spec() const { return spec_; }
  [[nodiscard]] const RootOfTrust& Root() const { return root_; }
  [[nodiscard]] PhoneState State() const;
  void Change(const std::function<void(PhoneState&)>& change);
  // As Change, and in its file before it returns.
  void ChangeAndSave(const std::function<void(PhoneState&)>& change);
  // Remembers why the phone said no.
  void Refuse(Refusal refusal);
  // What tickets are held against.
  [[nodiscard]] ChipIdentity Chip() const;
  // What it tells of its nonces. With the stale-nonce fault that is an old one, until something was
  // refused for it.
  struct Nonces {
    Bytes ap;
    Bytes sep;
  };
  [[nodiscard]] Nonces ShownNonces() const;

  [[nodiscard]] Notifications& Notices() { return notices_; }

  // Keeps what is said to this phone and by it in `file`, from now on; before anybody talks to it.
  void RecordTo(const std::filesystem::path& file);
  void Record(std::string_view channel, Toward toward, std::string_view kind,
              const Value& what) const;
  // As a Record of size and hash; bytes are hashed only when they are recorded.
  void RecordPayload(std::string_view channel, std::string_view kind,
                     std::span<const std::uint8_t> bytes) const;
  // Records the messages of one connection; empty when nothing is recorded.
  [[nodiscard]] Stream::Tap TapFor(const std::string& channel) const;

  [[nodiscard]] PhoneFaults Faults() const;
  [[nodiscard]] station::Status SetFault(const std::vector<std::string>& words);
  // What is to happen instead of this step of a restore; forgets it when so.
  [[nodiscard]] std::optional<StepFault> TakeStepFault(std::string_view step);
  // Whether a restore that has come to this step is to wait there.
  [[nodiscard]] bool Holds(std::string_view step);
  // The step at which it waits; empty when it does not.
  [[nodiscard]] std::string HeldAt() const;
  // Whether the upload of this component is to be damaged; forgets it when so.
  [[nodiscard]] bool TakeCorruption(const std::string& four_cc);
  // The same of stalling it.
  // Its port gives no power any more.
  void LosePower();
  [[nodiscard]] bool TakeSendRefusal(const std::string& four_cc);
  [[nodiscard]] std::optional<PhoneFaults> TakeAsrFaults();
  // Whether that fault is set; clears it.
  [[nodiscard]] bool Take(bool PhoneFaults::*fault);
  // Whether the cable is to be pulled at this step of a restore; forgets it when so.
  [[nodiscard]] bool TakeUnplugAt(std::string_view step);
  // When the cable that a fault has pulled is to be plugged in again; forgets it.
  [[nodiscard]] std::optional<std::chrono::seconds> TakeReplug();
  // How much longer than its time the next change of mode takes; forgets it.
  [[nodiscard]] std::chrono::seconds TakeLateReattach();
  // Whether a satisfied updater asks once more all the same; counts it.
  [[nodiscard]] bool TakeUpdaterLoop(const std::string& updater);

  // Queued; carried out by the phone's Presence in order. The future is ready when that has
  // happened.
  std::future<void> Ask(Wish wish);
  // What a host has brought about in boot number `boot`.
  std::future<void> Ask(Event event, std::uint64_t boot) {
    return Ask(Wish{.event = event, .boot = boot});
  }
  std::future<void> Ask(Wish::Kind kind) { return Ask(Wish{.kind = kind}); }
  // The next request, or nothing when stopped.
  [[nodiscard]] std::optional<Request> NextRequest();
  // Waits, unless stopped. False when stopped.
  bool Sleep(std::chrono::milliseconds duration);
  void Stop();

 private:
  void Save(const PhoneState& state) const;
  [[nodiscard]] bool TakeUploadFault(std::string PhoneFaults::*fault, const std::string& four_cc);

  const PhoneSpec spec_;
  const RootOfTrust root_;
  const std::string state_file_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  PhoneState state_;
  PhoneFaults faults_;
  std::string held_at_;
  std::optional<std::chrono::seconds> replug_after_;  // of the pull that has happened
  std::deque<Request> requests_;
  std::unique_ptr<Recorder> recorder_ = std::make_unique<Recorder>();
  Notifications notices_;
};

}  // namespace rack
