#pragma once
// DER as Image4 uses it, read strictly: definite minimal lengths, minimal integers, booleans 00 or
// FF, nothing left over. Four-cc keyed elements are private class, constructed, with the four-cc as
// a high tag number.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/rack/wire/value.h"

namespace rack::der {

using Span = std::span<const std::uint8_t>;

enum class Tag : std::uint8_t {
  kBoolean = 0x01,
  kInteger = 0x02,
  kOctets = 0x04,
  kNull = 0x05,
  kText = 0x16,  // IA5String
  kSequence = 0x30,
  kSet = 0x31,
  kContext0 = 0xA0,
  kContext1 = 0xA1,
};

struct Element {
  std::uint8_t first = 0;     // identifier octet; 0xFF for private ones
  std::uint32_t four_cc = 0;  // of a private one
  Span content;
  Span whole;  // identifier and length included
  [[nodiscard]] bool Is(Tag tag) const { return first == static_cast<std::uint8_t>(tag); }
  [[nodiscard]] bool IsPrivate() const { return first == 0xFF; }
};

// Reads elements one after the other. Any violation makes every later read fail.
class Reader {
 public:
  explicit Reader(Span bytes) : rest_(bytes) {}
  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }
  [[nodiscard]] std::optional<Element> Next();
  [[nodiscard]] std::optional<Element> Next(Tag wanted);
  [[nodiscard]] std::optional<std::string> NextText();
  [[nodiscard]] std::optional<std::uint64_t> NextNumber();  // non-negative, up to 64 bits

 private:
  [[nodiscard]] std::optional<std::size_t> ReadLength(std::size_t& at) const;
  Span rest_;
};

[[nodiscard]] std::optional<std::uint64_t> NumberOf(const Element& element);
[[nodiscard]] std::optional<bool> FlagOf(const Element& element);

// Exactly one element that fills `bytes`.
[[nodiscard]] std::optional<Element> Whole(Span bytes, Tag wanted);

[[nodiscard]] std::uint32_t FourCc(std::string_view text);
[[nodiscard]] std::string FourCcText(std::uint32_t four_cc);

[[nodiscard]] Bytes Wrap(Tag tag, Span content);
[[nodiscard]] Bytes Text(std::string_view text);
[[nodiscard]] Bytes Number(std::uint64_t number);
[[nodiscard]] Bytes Flag(bool flag);
[[nodiscard]] Bytes Octets(Span bytes);
// Private element: tag of the four-cc, SEQUENCE { IA5 four-cc, value }.
[[nodiscard]] Bytes Keyed(std::string_view four_cc, Span value);
[[nodiscard]] Bytes Join(const std::vector<Bytes>& parts);
// The header of an element whose content of `size` bytes follows.
[[nodiscard]] Bytes Header(Tag tag, std::size_t size);

}  // namespace rack::der
