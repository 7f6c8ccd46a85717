#pragma once
// One connection to lockdownd: which phone, whose session, and how requests are answered.

#include <optional>
#include <string>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"

namespace rack {

struct LockdownSession {
  std::string id;
  Pairing pairing;
};

struct LockdownClient {
  Phone& phone;
  Attachment& attachment;
  std::optional<LockdownSession> session = {};
};

struct LockdownReply {
  // What happens to the connection once the answer is out.
  enum class Then { kGoOn, kBeginTls, kEndTls, kClose };
  Value answer;
  Then then = Then::kGoOn;
};

[[nodiscard]] inline LockdownReply Answered(const Value& request) {
  return {Value::Dict{{"Request", request.Text("Request")}}};
}
[[nodiscard]] inline LockdownReply Answered(const Value& request, const char* key, Value value) {
  LockdownReply reply = Answered(request);
  reply.answer.Set(key, std::move(value));
  return reply;
}
// `error`: a name of device-services 3.3.
[[nodiscard]] inline LockdownReply Refused(const Value& request, const char* error) {
  return Answered(request, "Error", error);
}

using LockdownHandler = LockdownReply (*)(LockdownClient& client, const Value& request);

}  // namespace rack
