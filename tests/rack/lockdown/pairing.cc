#include "tests/rack/lockdown/pairing.h"

#include <spdlog/spdlog.h>

#include "tests/rack/image4/digest.h"
#include "tests/rack/lockdown/certificates.h"

namespace rack {
namespace {

constexpr std::size_t kEscrowBagSize = 32;
constexpr const char* kTrusted = "com.apple.mobile.lockdown.trusted_host_attached";

std::string TextOf(const Value& record, const char* key) {
  const Bytes* bytes = record.Data(key);
  return bytes == nullptr ? std::string() : std::string(AsText(*bytes));
}

Pairing FromRecord(const Value& record) {
  return {record.Text("HostID"),
          record.Text("SystemBUID"),
          TextOf(record, "RootCertificate"),
          TextOf(record, "HostCertificate"),
          TextOf(record, "DeviceCertificate"),
          RandomBytes(kEscrowBagSize)};
}

TrustDialog AnswerAtOnce(Trust trust) {
  switch (trust) {
    case Trust::kAsk:
      return TrustDialog::kOpen;
    case Trust::kTrusted:
      return TrustDialog::kTrusted;
    case Trust::kDenied:
      return TrustDialog::kDenied;
  }
  return TrustDialog::kOpen;
}

// Puts the question on the screen unless it has been answered. Null is a yes.
const char* AskUser(Phone& phone) {
  const char* error = nullptr;
  phone.Change([&](PhoneState& state) {
    if (!state.user_data_present) return;  // Setup Assistant asks nobody (device-services 3.5)
    if (state.locked) return void(error = "PasswordProtected");
    if (state.trust_dialog == TrustDialog::kNone)
      state.trust_dialog = AnswerAtOnce(phone.Spec().trust);
    switch (state.trust_dialog) {
      case TrustDialog::kNone:
      case TrustDialog::kOpen:
        return void(error = "PairingDialogResponsePending");
      case TrustDialog::kDenied:
        return void(error = "UserDeniedPairing");
      case TrustDialog::kTrusted:
        state.trust_dialog = TrustDialog::kNone;  // it was about this host
    }
  });
  return error;
}

// Finds the pairing the request is about. Null when there is none.
const Pairing* Find(const PhoneState& state, const Value& request) {
  const Value* record = request.Find("PairRecord");
  const auto found = record == nullptr ? state.ios.pairings.end()
                                       : state.ios.pairings.find(record->Text("HostID"));
  return found == state.ios.pairings.end() ? nullptr : &found->second;
}

}  // namespace

LockdownReply Pair(LockdownClient& client, const Value& request) {
  const Value* record = request.Find("PairRecord");
  if (record == nullptr) return Refused(request, "MissingPairRecord");
  Pairing pairing = FromRecord(*record);
  if (const auto fault = FaultOf(pairing, DeviceKey(client.phone))) {
    spdlog::warn("phone={} pair record refused: {}", client.phone.Spec().name, *fault);
    return Refused(request, "InvalidPairRecord");
  }
  if (const char* error = AskUser(client.phone)) return Refused(request, error);
  LockdownReply reply = Answered(request, "EscrowBag", pairing.escrow_bag);
  client.phone.ChangeAndSave(
      [&](PhoneState& state) { state.ios.pairings[pairing.host_id] = std::move(pairing); });
  client.phone.Notices().Post(kTrusted);
  return reply;
}

LockdownReply ValidatePair(LockdownClient& client, const Value& request) {
  if (request.Find("PairRecord") == nullptr) return Refused(request, "MissingPairRecord");
  const PhoneState state = client.phone.State();
  return Find(state, request) == nullptr ? Refused(request, "InvalidHostID") : Answered(request);
}

LockdownReply Unpair(LockdownClient& client, const Value& request) {
  if (request.Find("PairRecord") == nullptr) return Refused(request, "MissingPairRecord");
  bool known = false;
  client.phone.ChangeAndSave([&](PhoneState& state) {
    const Pairing* pairing = Find(state, request);
    known = pairing != nullptr;
    if (known) state.ios.pairings.erase(std::string(pairing->host_id));
  });
  return known ? Answered(request) : Refused(request, "InvalidHostID");
}

LockdownReply ResetPairing(LockdownClient& client, const Value& request) {
  client.phone.ChangeAndSave([](PhoneState& state) { state.ios.pairings.clear(); });
  return Answered(request);
}

}  // namespace rack
