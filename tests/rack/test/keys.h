#pragma once
// The machine's rack keys and the catalogue, for tests that sign and for carts in tests.

#include <gtest/gtest.h>

#include "tests/rack/image4/root.h"
#include "tests/rack/signer/tss.h"

namespace rack {

inline const ProductTable& TestProducts() {
  static const ProductTable products = ProductTable::Load(ProductTable::DefaultFile()).value();
  return products;
}

inline const TicketSigner& TestSigner() {
  static const TicketSigner signer(SigningKeys::LoadOrCreate(DefaultKeyFolder()).value(),
                                   TestProducts());
  return signer;
}

inline const RootOfTrust& TestRoot() {
  static const RootOfTrust root = RootOfTrust::FromPem(TestSigner().Keys().RootPem()).value();
  return root;
}

}  // namespace rack
