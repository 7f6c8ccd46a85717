#pragma once
// The signer's faults as the command line names them.

#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/model/fault_line.h"
#include "tests/rack/signer/tss.h"

namespace rack {

[[nodiscard]] std::vector<FaultLine> SignerFaultLines();
// {"wrong-ecid"}, {"http-503", "3"}, {"delay", "2"} (seconds), {"none"}... kBadRequest otherwise.
[[nodiscard]] station::Status SwitchSigner(SignerFaults& faults,
                                           const std::vector<std::string>& words);

}  // namespace rack
