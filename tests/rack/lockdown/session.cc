#include "tests/rack/lockdown/session.h"

#include <fmt/format.h>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/lockdown/certificates.h"
#include "tests/rack/lockdown/services.h"

namespace rack {
namespace {

// Eight, four, four, four and twelve digits.
std::string NewSessionId() {
  const std::string hex = station::ToHex(RandomBytes(16));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

// With its escrow bag a host reaches services of a locked phone (device-services 3.7).
bool Unlocks(const LockdownSession& session, const Value& request) {
  const Bytes* bag = request.Data("EscrowBag");
  return bag != nullptr && *bag == session.pairing.escrow_bag;
}

const char* WhyNot(const LockdownClient& client, const Service* service, const Value& request) {
  if (!client.session && (service == nullptr || !service->without_session))
    return "SessionInactive";
  if (service == nullptr) return "InvalidService";
  const bool open = service->while_locked || !client.phone.State().locked ||
                    (client.session && Unlocks(*client.session, request));
  return open ? nullptr : "PasswordProtected";
}

}  // namespace

TlsTerms TermsOf(Phone& phone, const Pairing& pairing) {
  return {pairing.device_certificate,
          DeviceKey(phone),
          {pairing.root_certificate, pairing.host_certificate}};
}

LockdownReply StartSession(LockdownClient& client, const Value& request) {
  if (client.session) return Refused(request, "SessionActive");
  const std::string host = request.Text("HostID");
  if (host.empty()) return Refused(request, "MissingHostID");
  const PhoneState state = client.phone.State();
  const auto pairing = state.ios.pairings.find(host);
  if (pairing == state.ios.pairings.end()) return Refused(request, "InvalidHostID");
  client.session = LockdownSession{NewSessionId(), pairing->second};
  LockdownReply reply = Answered(request, "SessionID", client.session->id);
  reply.answer.Set("EnableSessionSSL", true);
  reply.then = LockdownReply::Then::kBeginTls;
  return reply;
}

LockdownReply StopSession(LockdownClient& client, const Value& request) {
  const std::string id = request.Text("SessionID");
  if (id.empty()) return Refused(request, "MissingSessionID");
  if (id != client.session->id) return Refused(request, "InvalidSessionID");
  LockdownReply reply = Answered(request);
  reply.then = LockdownReply::Then::kEndTls;
  return reply;
}

LockdownReply StartService(LockdownClient& client, const Value& request) {
  const std::string name = request.Text("Service");
  if (name.empty()) return Refused(request, "MissingService");
  const Service* service = FindService(name);
  if (const char* error = WhyNot(client, service, request)) return Refused(request, error);
  const auto terms =
      client.session ? std::optional(TermsOf(client.phone, client.session->pairing)) : std::nullopt;
  const std::uint16_t port =
      client.attachment.ServeOnce([&phone = client.phone, &attachment = client.attachment, service,
                                   terms](const std::shared_ptr<Stream>& stream) {
        if (terms && !stream->BeginTls(*terms)) return;
        stream->SetTap(phone.TapFor(std::string(service->name)));
        service->serve({phone, attachment, *stream, phone.State().boot_number});
        if (terms) stream->EndTls();
      });
  LockdownReply reply = Answered(request, "Service", name);
  reply.answer.Set("Port", std::uint64_t{port});
  reply.answer.Set("EnableServiceSSL", terms.has_value());
  return reply;
}

}  // namespace rack
