#pragma once
// IMG4s as hosts make them of a payload and a ticket.

#include "tests/rack/image4/der.h"

namespace rack {

inline Bytes Stitch(const Bytes& payload, const Bytes& ticket) {
  return der::Wrap(der::Tag::kSequence,
                   der::Join({der::Text("IMG4"), payload, der::Wrap(der::Tag::kContext0, ticket)}));
}

// The same with an IM4R.
inline Bytes StitchWith(const Bytes& payload, const Bytes& ticket, const Bytes& info) {
  return der::Wrap(der::Tag::kSequence,
                   der::Join({der::Text("IMG4"), payload, der::Wrap(der::Tag::kContext0, ticket),
                              der::Wrap(der::Tag::kContext1, info)}));
}

}  // namespace rack
