// com.apple.syslog_relay: lines as the phone writes them, each ended by a newline and a zero byte.
// Here they tell of notifications.

#include <fmt/chrono.h>

#include <array>
#include <ctime>
#include <thread>

#include "tests/rack/lockdown/services.h"

namespace rack {
namespace {

std::string Line(const std::string& text) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string line = fmt::format("{:%b %e %H:%M:%S} iPhone {}\n", local, text);
  return line.append(1, '\0');
}

}  // namespace

void ServeSyslog(const ServiceCall& call) {
  const std::shared_ptr<Mailbox> mailbox = call.phone.Notices().Open();
  mailbox->ObserveAll();
  std::thread writer([&] {
    bool heard = call.stream.Write(Line("syslog_relay[77] <Notice>: a host listens"));
    while (heard) {
      const auto name = mailbox->Next();
      heard = name && call.stream.Write(Line("notifyd[31] <Notice>: " + *name));
    }
  });
  std::array<std::uint8_t, 64> ignored;
  while (call.stream.ReadSome(ignored).value_or(0) > 0) {
  }
  mailbox->Close();
  call.stream.Shutdown();
  writer.join();
}

}  // namespace rack
