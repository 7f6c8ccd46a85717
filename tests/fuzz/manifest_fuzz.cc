// A build manifest from an unknown IPSW: parsed, an identity chosen, a signing request built.

#include "station/firmware/build_manifest.h"
#include "station/signing/ticket_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = station::firmware::BuildManifest::Parse(std::span(data, size));
  if (!manifest) return 0;
  (void)manifest->Choose("d20ap", 0x8015, 2, station::Action::kErase);
  for (const auto& identity : manifest->Identities()) {
    (void)station::signing::BuildApRequest(identity, {station::Ecid{1}, 0x8015, 2, std::vector<std::uint8_t>(32, 1), {}});
    for (const auto& component : identity.Components()) (void)component.FourCc();
  }
  return 0;
}
