// What a phone in restore mode says: framed property lists, one after another, to the whole
// dialogue.

#include <sys/socket.h>
#include <unistd.h>

#include "station/restore/dialogue.h"
#include "tests/unit/restore/firmware_world.h"

namespace {

using namespace station;
using namespace station::restore;

// One world for all inputs; requests that need a signer or a port find none.
restore::testing::FirmwareWorld& World() {
  static restore::testing::FirmwareWorld world(
      restore::testing::ParseXml(
          "<plist><dict><key>Info</key><dict/><key>Manifest</key><dict><key>AppleLogo</"
          "key><dict><key>Info</key><dict><key>Path</key><string>logo</string>"
          "<key>IsFUDFirmware</key><true/></dict></dict></dict></dict></plist>"),
      {{"logo", restore::testing::MakeIm4p("logo", {1, 2, 3})}});
  return world;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;  // answers must fit into the socket
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) return 0;
  const Fd phone(fds[1]);
  // The answer to SavedDebugInfo, then the input, then the end: the dialogue never waits.
  static constexpr std::string_view kFirst = "<plist version=\"1.0\"><dict></dict></plist>";
  std::string bytes{'\0', '\0', '\0', static_cast<char>(kFirst.size())};
  bytes += kFirst;
  bytes.append(reinterpret_cast<const char*>(data), size);
  (void)!::write(phone.Get(), bytes.data(), bytes.size());
  ::shutdown(phone.Get(), SHUT_WR);
  restore::testing::FirmwareWorld& world = World();
  world.memory.updater_rounds.clear();
  world.asked.clear();
  RestoredClient restored{device::PlistChannel{device::Connection{Fd(fds[0])}}, 15};
  const ConnectToPort refuse = [](std::uint16_t) -> Result<device::Connection> {
    return Fail(ErrorCode::kPhoneGone, "no ports");
  };
  (void)RunDialogue(restored, refuse, world.components, world.setup, world.control, {[] {}});
  return 0;
}
