#pragma once
// The machine's rack keys, for tests that sign.

#include <gtest/gtest.h>

#include "tests/rack/image4/root.h"
#include "tests/rack/signer/tss.h"

namespace rack {

inline const TicketSigner& TestSigner() {
  static const TicketSigner signer(SigningKeys::LoadOrCreate(DefaultKeyFolder()).value());
  return signer;
}

inline const RootOfTrust& TestRoot() {
  static const RootOfTrust root = RootOfTrust::FromPem(TestSigner().Keys().RootPem()).value();
  return root;
}

}  // namespace rack
