#include "tests/rack/control/presence.h"

#include <spdlog/spdlog.h>

#include "tests/rack/lockdown/lockdownd.h"
#include "tests/rack/recovery/dfu.h"
#include "tests/rack/recovery/iboot.h"
#include "tests/rack/recovery/identity.h"
#include "tests/rack/restore/restored.h"

namespace rack {
namespace {

constexpr std::chrono::milliseconds kCommandSettles{
    300};  // a command's own transfer and the poke after it
constexpr std::uint64_t kHighSpeed = 480000000;
constexpr std::uint64_t kSuperSpeed = 5000000000;
constexpr std::uint16_t kMuxProduct = 0x12A8;

UsbIdentity MuxIdentity(const PhoneSpec& spec) {
  UsbIdentity identity;
  identity.shape = UsbIdentity::Shape::kMux;
  identity.product_id = kMuxProduct;
  identity.product = "iPhone";
  identity.serial = spec.udid;
  std::erase(identity.serial, '-');  // only usbmuxd writes one (device-services 1.7)
  identity.speed = spec.super_speed ? UsbSpeed::kSuper5G : UsbSpeed::kHigh480M;
  return identity;
}

// DFU and recovery mode are always USB 2.
bool ShowsOnMux(Stage stage) { return stage == Stage::kNormal || stage == Stage::kRestore; }

// Nonces hold from where a host first reads them to the kernel, and are drawn anew otherwise. Only
// the way from the boot ROM to an iBSS is in between: the SEP, which has not been restarted, keeps
// its own (reference 1.3).
void RenewNonces(PhoneState& state, Event cause, const PhoneSpec& spec) {
  switch (cause) {
    case Event::kEnterRecovery:
    case Event::kImageRefused:
    case Event::kRunIbec:
    case Event::kRunKernel:
      return;
    case Event::kRunIbss:
      if (spec.dfu_nonce_changes) DrawApNonce(state, spec);
      return;
    case Event::kPanic:
    case Event::kReboot:
    case Event::kRestoreSucceeded:
    case Event::kRestoreFailed:
    case Event::kHoldForRecovery:
    case Event::kHoldForRestart:
    case Event::kHoldForDfu:
    case Event::kPowerOff:
    case Event::kPowerOn:
      DrawNonces(state, spec);
  }
}

void Enter(PhoneState& state, Stage stage, Event cause, const PhoneSpec& spec) {
  RenewNonces(state, cause, spec);
  const bool same_boot =
      stage == Stage::kIbec || stage == Stage::kRestore || cause == Event::kImageRefused;
  if (!same_boot) state.boot = BootRecord();
  state.stage = stage;
  state.locked = stage == Stage::kNormal && state.ios.passcode;
  state.passcodes_given = 0;
  ++state.boot_number;
}

struct Face {
  UsbIdentity identity;
  std::shared_ptr<UsbFunction> function;
};

// What stands on the bus at a stage; nothing when the phone is off.
std::optional<Face> FaceOf(Phone& phone, Stage stage, const std::shared_ptr<UsbMux>& mux) {
  switch (stage) {
    case Stage::kOff:
      return std::nullopt;
    case Stage::kDfu:
      return Face{DfuIdentity(phone), std::make_shared<BootRom>(phone)};
    case Stage::kIboot:
    case Stage::kIbss:
    case Stage::kIbec:
      return Face{RecoveryIdentity(phone), std::make_shared<Iboot>(phone, stage)};
    case Stage::kNormal:
    case Stage::kRestore:
      return Face{MuxIdentity(phone.Spec()), mux};
  }
  return std::nullopt;
}

}  // namespace

Presence::Presence(Phone& phone, Host host) : phone_(phone), host_(host) {
  Attach();
  thread_ = std::thread([this] { Run(); });
}

Presence::~Presence() {
  phone_.Stop();
  thread_.join();
  Detach();
}

void Presence::Run() {
  while (auto request = phone_.NextRequest()) {
    Grant(request->wish);
    request->done->set_value();
  }
}

void Presence::Grant(const Phone::Wish& wish) {
  using enum Phone::Wish::Kind;
  switch (wish.kind) {
    case kEvent:
      return Happen(wish.event, wish.boot);
    case kPlug:
      return SetPlugged(true);
    case kUnplug:
      return SetPlugged(false);
    case kMove:
      return phone_.ChangeAndSave([&](PhoneState& state) { state.port = wish.port; });
    case kPlugLater:
      if (phone_.Sleep(wish.after)) SetPlugged(true);
  }
}

void Presence::SetPlugged(bool plugged) {
  if (!plugged) Detach();
  phone_.ChangeAndSave([&](PhoneState& state) {
    state.plugged = plugged;
    state.trust_dialog = TrustDialog::kNone;
  });
  if (plugged) Attach();
  spdlog::info("phone={} plugged={}", phone_.Spec().name, plugged);
}

void Presence::Happen(Event event, std::uint64_t boot) {
  const bool current = boot == 0 || boot == phone_.State().boot_number;
  const Transition* transition = current ? FindTransition(phone_.State().stage, event) : nullptr;
  spdlog::info("phone={} stage={} event={} known={}", phone_.Spec().name,
               Name(phone_.State().stage), Name(event), transition != nullptr);
  if (transition == nullptr || !phone_.Sleep(TimeToLeave(event))) return;
  Become(*transition);
}

void Presence::Become(const Transition& transition) {
  Detach();
  if (!phone_.Sleep(TimeAway(transition.pause) + phone_.TakeLateReattach())) return;
  phone_.ChangeAndSave([&](PhoneState& state) {
    Stage next = transition.to.value_or(state.WhatBoots());
    if (next == Stage::kIboot && !state.nor_complete) next = Stage::kDfu;
    Enter(state, next, transition.event, phone_.Spec());
  });
  Attach();
}

std::chrono::milliseconds Presence::TimeToLeave(Event event) const {
  switch (event) {
    case Event::kEnterRecovery:
      return phone_.Spec().timing.leave;
    case Event::kRunIbss:
    case Event::kImageRefused:
    case Event::kRunIbec:
    case Event::kRunKernel:
    case Event::kPanic:
    case Event::kReboot:
      return kCommandSettles;
    case Event::kRestoreSucceeded:
    case Event::kRestoreFailed:
    case Event::kHoldForRecovery:
    case Event::kHoldForRestart:
    case Event::kHoldForDfu:
    case Event::kPowerOff:
    case Event::kPowerOn:
      break;
  }
  return std::chrono::milliseconds(0);
}

std::chrono::milliseconds Presence::TimeAway(Pause pause) const {
  const Timing& timing = phone_.Spec().timing;
  switch (pause) {
    case Pause::kGap:
      return timing.gap;
    case Pause::kRestoreBoot:
      return timing.restore_boot;
    case Pause::kFinish:
      return timing.finish;
  }
  return timing.gap;
}

station::PortPath Presence::PortInMode(const PhoneState& state) const {
  station::PortPath port = state.port;
  if (phone_.Spec().super_speed && ShowsOnMux(state.stage))
    ++port.bus;  // the companion bus, same chain
  return port;
}

void Presence::Attach() {
  const PhoneState state = phone_.State();
  if (attachment_ != nullptr || !state.plugged) return;
  const PhoneSpec& spec = phone_.Spec();
  const station::PortPath port = PortInMode(state);
  auto attachment = std::make_shared<Attachment>();
  std::shared_ptr<UsbMux> mux;
  if (ShowsOnMux(state.stage))
    mux = std::make_shared<UsbMux>(attachment,
                                   spec.super_speed ? UsbSpeed::kSuper5G : UsbSpeed::kHigh480M,
                                   [&usb = host_.usb, port] { usb.DataReady(port); });
  const auto face = FaceOf(phone_, state.stage, mux);
  if (!face) return;
  attached_port_ = port;
  attachment_ = attachment;
  mux_ = mux;
  if (mux) Serve(state.stage);
  const auto address = host_.usb.Attach(attached_port_, face->identity, face->function);
  if (!address) {
    spdlog::error("phone={} {}", spec.name, address.error().context);
    mux_.reset();
    attachment_.reset();
    return;
  }
  spdlog::info("phone={} port={} stage={}", spec.name, ToString(attached_port_), Name(state.stage));
  if (mux && host_.listing != nullptr)
    device_id_ = host_.listing->Add(
        {0, spec.name, spec.udid, std::uint32_t{address->bus} << 16U | address->device,
         spec.super_speed ? kSuperSpeed : kHighSpeed, kMuxProduct, attachment});
}

void Presence::Serve(Stage stage) {
  if (stage == Stage::kNormal)
    attachment_->Serve(kLockdownPort, [&phone = phone_, &stay = *attachment_](
                                          const std::shared_ptr<Stream>& stream) {
      ServeLockdown(phone, stay, *stream);
    });
  else
    ServeRestoreMode(phone_, *attachment_);
}

void Presence::Detach() {
  if (attachment_ == nullptr) return;
  if (device_id_ != 0) host_.listing->Remove(std::exchange(device_id_, 0));
  host_.usb.Detach(attached_port_);
  if (mux_) mux_->End();
  attachment_->End();
  attachment_.reset();
  std::erase_if(departed_, [](const auto& mux) { return mux->Finished(); });
  if (mux_) departed_.push_back(std::move(mux_));
}

}  // namespace rack
