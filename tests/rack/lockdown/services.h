#pragma once
// The services a host can start: one table row and one file each.

#include <string_view>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"

namespace rack {

struct ServiceCall {
  Phone& phone;
  Attachment& attachment;
  Stream& stream;
  std::uint64_t boot_number;  // what the host brings about ends with this boot
};

// Each speaks on its connection until either side is done.
void ServeDiagnostics(const ServiceCall& call);
void ServeNotifications(const ServiceCall& call);
void ServeInsecureNotifications(const ServiceCall& call);
void ServeHeartbeat(const ServiceCall& call);
void ServeActivation(const ServiceCall& call);
void ServePreboard(const ServiceCall& call);
void ServeSyslog(const ServiceCall& call);

struct Service {
  std::string_view name;
  void (*serve)(const ServiceCall& call);
  bool while_locked = true;
  bool without_session = false;
};

// Null when there is none of that name.
[[nodiscard]] const Service* FindService(std::string_view name);

}  // namespace rack
