#include "station/image4/der_writer.h"

namespace station::image4 {
namespace {

// A tag number from 31 on: base 128, most significant digit first, the high bit on all but the
// last.
DerBytes HighNumber(std::uint32_t number) {
  DerBytes digits{static_cast<std::uint8_t>(number & 0x7FU)};
  for (number >>= 7U; number != 0; number >>= 7U)
    digits.insert(digits.begin(), static_cast<std::uint8_t>(0x80U | (number & 0x7FU)));
  return digits;
}

}  // namespace

DerBytes Join(std::initializer_list<Bytes> parts) {
  DerBytes all;
  for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

DerBytes DerElement(std::uint8_t tag, Bytes content) {
  DerBytes element = DerHeader(tag, content.size());
  element.insert(element.end(), content.begin(), content.end());
  return element;
}

DerBytes DerText(std::string_view text) {
  return DerElement(0x16, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

DerBytes DerInteger(std::uint64_t value) {
  DerBytes digits;
  do {
    digits.insert(digits.begin(), static_cast<std::uint8_t>(value & 0xFFU));
    value >>= 8U;
  } while (value != 0);
  if ((digits.front() & 0x80U) != 0) digits.insert(digits.begin(), 0);
  return DerElement(0x02, digits);
}

DerBytes DerBoolean(bool value) {
  return {0x01, 0x01, static_cast<std::uint8_t>(value ? 0xFF : 0x00)};
}

DerBytes DerOctets(Bytes bytes) { return DerElement(0x04, bytes); }

DerBytes DerSequence(std::initializer_list<Bytes> elements) {
  return DerElement(0x30, Join(elements));
}

DerBytes DerSet(Bytes elements) { return DerElement(0x31, elements); }

DerBytes DerTaggedHeader(TagClass tag_class, bool constructed, std::uint32_t number,
                         std::size_t length) {
  const auto first =
      static_cast<std::uint8_t>(static_cast<unsigned>(tag_class) << 6U |
                                (constructed ? 0x20U : 0U) | (number < 31 ? number : 31U));
  DerBytes header = DerHeader(first, length);
  if (number >= 31) {
    const DerBytes digits = HighNumber(number);
    header.insert(header.begin() + 1, digits.begin(), digits.end());
  }
  return header;
}

DerBytes DerProperty(std::string_view four_cc, Bytes value) {
  const DerBytes sequence = DerSequence({DerText(four_cc), value});
  return Join(
      {DerTaggedHeader(TagClass::kPrivate, true, FourCc(four_cc.substr(0, 4)), sequence.size()),
       sequence});
}

}  // namespace station::image4
