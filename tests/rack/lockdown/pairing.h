#pragma once
// Which hosts the phone trusts: Pair, ValidatePair, Unpair, ResetPairing.

#include "tests/rack/lockdown/client.h"

namespace rack {

// PasswordProtected while locked, PairingDialogResponsePending while the user has not answered,
// UserDeniedPairing when the answer was no. A phone that was never set up asks nobody.
[[nodiscard]] LockdownReply Pair(LockdownClient& client, const Value& request);
[[nodiscard]] LockdownReply ValidatePair(LockdownClient& client, const Value& request);
[[nodiscard]] LockdownReply Unpair(LockdownClient& client, const Value& request);
[[nodiscard]] LockdownReply ResetPairing(LockdownClient& client, const Value& request);

}  // namespace rack
