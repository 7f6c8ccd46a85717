#pragma once
// Tickets of the chips beside the application processor (restore-protocol 5.5, 6.8): one table from
// the name an updater goes by to what its request holds; chips nobody knows by name are signed for
// with what the phone itself generated.

#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/firmware/build_manifest.h"
#include "station/plist/plist.h"

namespace station::signing {

// What the phone asks with; borrows. `generated` and `tags` are absent before iOS 16.
struct PeripheralInput {
  const firmware::Identity& identity;
  plist::View info;       // MessageArgInfo: what the phone says of the chip
  plist::View generated;  // DeviceGeneratedRequest
  plist::View tags;       // DeviceGeneratedTags: BuildIdentityTags, ResponseTags
};

struct PeripheralRequest {
  plist::Plist request;
  std::string chip;  // row of the table it was built by: "Yonkers" though the updater is "Savage"
  std::vector<std::string> tickets;  // the answer must hold one of these
  std::string
      component;  // manifest entry chosen by what the phone said (Savage, Yonkers); else empty
};

// kRestoreDialogue when the phone does not say what the request needs, kFirmwareMemberMissing when
// the manifest has nothing for this chip, kUpdaterUnsupported for an unknown updater that generated
// no request.
[[nodiscard]] Result<PeripheralRequest> BuildPeripheralRequest(const std::string& updater,
                                                               const PeripheralInput& input);

// kSigningBadAnswer, naming the ticket, when the answer holds none of those asked for.
[[nodiscard]] Status CheckPeripheralAnswer(plist::View answer, const PeripheralRequest& asked);

}  // namespace station::signing
