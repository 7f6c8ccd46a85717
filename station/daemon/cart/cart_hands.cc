// A job that can only go on once somebody has done something at the phone: pressed its buttons,
// tapped Trust, plugged it back in. It takes no slot meanwhile, goes on by itself, and ends when
// nothing happens.

#include "station/base/log.h"
#include "station/catalogue/buttons.h"
#include "station/daemon/cart/cart.h"
#include "station/usb/phone_serial.h"

namespace station::daemon {
namespace {

using scheduler::Hands;
using scheduler::PortEvent;

}  // namespace

// One try: the time somebody has, and what to do meanwhile. `next_is_ready`: the attempt that waits
// has its number.
void Cart::AwaitHands(Port& port, bool next_is_ready) {
  ledger::JobRow& job = *port.job;
  slots_.Remove(port.view.key);
  job.outcome = Outcome::kNone;  // it has not ended
  port.away.Stop();
  port.queue_when_gone = false;
  port.hands = HandsWait{scheduler::HandsFor(job.error), next_is_ready};
  ++port.hand_tries;
  // The last try is for a phone in which nothing runs any more.
  const auto mode = port.hand_tries < settings_.button_tries ? catalogue::ButtonMode::kRecovery
                                                             : catalogue::ButtonMode::kDfu;
  port.view.error = job.error;
  port.view.hands = HandsView{port.hand_tries, settings_.button_tries,
                              parts_.clock.Wall() + settings_.button_wait,
                              catalogue::ButtonSteps(job.phone.product, mode)};
  parts_.ledger.Append(
      {ledger::PutJob{job}, Event("needs_hands", {}, &port, std::string(Name(job.error)))});
  LogError(LogLevel::kWarning, "job waits for somebody at the phone", {job.error, job.context},
           {{"port", port.view.label},
            {"job", std::to_string(job.id.value)},
            {"try", std::to_string(port.hand_tries)}});
  // The bus may have shown it just before its worker gave it up.
  if (port.hands->for_what == Hands::kBackOnTheBus && AnswersHands(port)) return GoOn(port);
  port.hands_over.Set(settings_.button_wait, [this, &port] { HandsOver(port); });
  Changed(port);
}

void Cart::HandsOver(Port& port) {
  const bool ready = port.hands->next_is_ready;
  if (port.hand_tries < settings_.button_tries) return AwaitHands(port, ready);
  ClearHands(port);
  ledger::JobRow& job = *port.job;
  job.context = "nothing came of " + std::to_string(port.hand_tries) +
                " tries; before: " + std::string(Name(job.error)) +
                (job.context.empty() ? "" : ": " + job.context);
  job.error = ErrorCode::kNoSignOfLife;
  Apply(port, PortEvent::kEndedBadly);
}

// Whether what is plugged in now is what was waited for. Another phone never is.
bool Cart::AnswersHands(const Port& port) const {
  if (!port.hands || !port.usb) return false;
  if (const auto tokens = usb::ParseSerialTokens(port.usb->serial);
      tokens && tokens->ecid.Known() && tokens->ecid != port.job->phone.ecid)
    return false;
  switch (port.hands->for_what) {
    case Hands::kIntoRecovery:
      return port.usb->mode == PhoneMode::kRecovery || port.usb->mode == PhoneMode::kDfu;
    case Hands::kBackOnTheBus:
    case Hands::kBackToLife:
      return true;
    case Hands::kNone:
      return false;
  }
  return false;
}

void Cart::GoOn(Port& port) {
  const bool ready = port.hands->next_is_ready;
  ClearHands(port);
  port.view.error = ErrorCode::kNone;
  Climb(port, scheduler::Rung::kNone);
  if (!ready) return RunAgain(port);
  port.job->error = ErrorCode::kNone;
  port.job->context.clear();
  QueueJob(port);
}

void Cart::ClearHands(Port& port) {
  port.hands.reset();
  port.hands_over.Stop();
  port.view.hands.reset();
}

}  // namespace station::daemon
