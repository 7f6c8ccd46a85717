#include "tests/rack/lockdown/lockdownd.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "tests/rack/lockdown/certificates.h"
#include "tests/rack/lockdown/pairing.h"
#include "tests/rack/lockdown/session.h"
#include "tests/rack/lockdown/settings.h"
#include "tests/rack/lockdown/values.h"

namespace rack {
namespace {

// Real phones drop a silent host after about that (device-services 3.4).
constexpr std::chrono::seconds kIdle{60};

LockdownReply QueryType(LockdownClient&, const Value& request) {
  return Answered(request, "Type", "com.apple.mobile.lockdown");
}

LockdownReply EnterRecovery(LockdownClient& client, const Value& request) {
  Phone& phone = client.phone;
  if (phone.Spec().enter_recovery_needs_session && !client.session)
    return Refused(request, "SessionInactive");
  if (phone.Faults().refuse_enter_recovery) {
    phone.Refuse({Reason::kEnterRecovery, "the refuse-enter-recovery fault is on"});
    return Refused(request, "SessionInactive");
  }
  // It leaves a moment later: the answer must be there first.
  phone.Ask(Event::kEnterRecovery, phone.State().boot_number);
  return Answered(request);
}

LockdownReply Goodbye(LockdownClient&, const Value& request) {
  LockdownReply reply = Answered(request);
  reply.then = LockdownReply::Then::kClose;
  return reply;
}

struct Row {
  std::string_view request;
  LockdownHandler answer;
  bool needs_session = false;
};

constexpr auto kRequests = std::to_array<Row>({
    {"QueryType", QueryType},
    {"GetValue", GetValue},
    {"SetValue", SetValue},
    {"RemoveValue", RemoveValue, true},
    {"Pair", Pair},
    {"ValidatePair", ValidatePair},
    {"Unpair", Unpair},
    {"ResetPairing", ResetPairing, true},
    {"StartSession", StartSession},
    {"StopSession", StopSession, true},
    {"StartService", StartService},
    {"EnterRecovery", EnterRecovery},
    {"Goodbye", Goodbye},
});

LockdownReply AnswerTo(LockdownClient& client, const Value& request) {
  const std::string name = request.Text("Request");
  const auto row = std::ranges::find(kRequests, name, &Row::request);
  if (row == kRequests.end()) return Refused(request, "InvalidRequest");
  if (row->needs_session && !client.session) return Refused(request, "SessionInactive");
  return row->answer(client, request);
}

// False when the connection is over.
bool Follow(LockdownClient& client, Stream& stream, LockdownReply::Then then) {
  using enum LockdownReply::Then;
  switch (then) {
    case kGoOn:
      return true;
    case kBeginTls:
      return stream.BeginTls(TermsOf(client.phone, client.session->pairing));
    case kEndTls:
      client.session.reset();
      stream.EndTls();
      return true;
    case kClose:
      return false;
  }
  return false;
}

}  // namespace

void ServeLockdown(Phone& phone, Attachment& attachment, Stream& stream) {
  stream.SetTap(phone.TapFor("lockdown"));
  LockdownClient client{phone, attachment};
  while (const auto request = ReadFrame(stream, kIdle)) {
    const LockdownReply reply = AnswerTo(client, *request);
    if (const std::string error = reply.answer.Text("Error"); !error.empty())
      spdlog::info("phone={} request={} service={} error={}", phone.Spec().name,
                   request->Text("Request"), request->Text("Service"), error);
    if (!WriteFrame(stream, reply.answer) || !Follow(client, stream, reply.then)) return;
  }
}

}  // namespace rack
