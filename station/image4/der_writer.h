#pragma once
// DER as Image4 writes it: shortest lengths, and named properties under private tags
// (restore-protocol 4.1).

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "station/image4/der.h"

namespace station::image4 {

using DerBytes = std::vector<std::uint8_t>;

[[nodiscard]] DerBytes Join(std::initializer_list<Bytes> parts);
// Tag byte(s) of any class and number, and a length in shortest form.
[[nodiscard]] DerBytes DerTaggedHeader(TagClass tag_class, bool constructed, std::uint32_t number,
                                       std::size_t length);
// A universal or context tag of one byte around `content`.
[[nodiscard]] DerBytes DerElement(std::uint8_t tag, Bytes content);
[[nodiscard]] DerBytes DerText(std::string_view text);   // IA5String
[[nodiscard]] DerBytes DerInteger(std::uint64_t value);  // shortest two's complement
[[nodiscard]] DerBytes DerBoolean(bool value);
[[nodiscard]] DerBytes DerOctets(Bytes bytes);
[[nodiscard]] DerBytes DerSequence(std::initializer_list<Bytes> elements);
[[nodiscard]] DerBytes DerSet(Bytes elements);
// The private tag of the name's first four characters, around SEQUENCE { IA5String name, value }.
[[nodiscard]] DerBytes DerProperty(std::string_view four_cc, Bytes value);

}  // namespace station::image4
