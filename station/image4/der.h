#pragma once
// Strict DER, as far as Image4 needs it: definite lengths in shortest form, high tag numbers, no trailing bytes.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"

namespace station::image4 {

using Bytes = std::span<const std::uint8_t>;

enum class TagClass : std::uint8_t { kUniversal = 0, kApplication = 1, kContext = 2, kPrivate = 3 };

// One element; all spans borrow from the bytes it was read from.
struct Element {
  TagClass tag_class = TagClass::kUniversal;
  bool constructed = false;
  std::uint32_t number = 0;
  Bytes content;
  Bytes whole;  // tag, length and content

  [[nodiscard]] bool Is(std::uint32_t universal) const { return tag_class == TagClass::kUniversal && number == universal; }
};

inline constexpr std::uint32_t kBoolean = 1;
inline constexpr std::uint32_t kInteger = 2;
inline constexpr std::uint32_t kOctetString = 4;
inline constexpr std::uint32_t kSequence = 16;
inline constexpr std::uint32_t kSet = 17;
inline constexpr std::uint32_t kIa5String = 22;

// Walks the elements of one constructed content. Errors are kBadRequest.
class DerReader {
 public:
  explicit DerReader(Bytes bytes) : rest_(bytes) {}
  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }
  [[nodiscard]] Result<Element> Next();
  // The next one, which must be of that universal tag.
  [[nodiscard]] Result<Element> Next(std::uint32_t universal);
  // The next one, an IA5String equal to `text`.
  [[nodiscard]] Status Expect(std::string_view text);

 private:
  Bytes rest_;
};

// The only element in `bytes`; anything behind it is an error.
[[nodiscard]] Result<Element> ReadOnly(Bytes bytes, std::uint32_t universal);
// Not negative, at most 64 bits.
[[nodiscard]] Result<std::uint64_t> UnsignedInteger(const Element& element);
[[nodiscard]] std::string Text(const Element& element);

// Tag byte(s) of a universal or context tag below 31, and a length in shortest form.
[[nodiscard]] std::vector<std::uint8_t> DerHeader(std::uint8_t tag, std::size_t length);
[[nodiscard]] std::uint32_t FourCc(std::string_view text);   // exactly four characters, else 0
[[nodiscard]] std::string FourCcText(std::uint32_t value);

}  // namespace station::image4
