#include "station/image4/der.h"

namespace station::image4 {
namespace {

std::unexpected<Error> Bad(std::string what) { return Fail(ErrorCode::kBadRequest, "DER: " + std::move(what)); }

// Reads one byte off the front.
bool Take(Bytes& bytes, std::uint8_t& out) {
  if (bytes.empty()) return false;
  out = bytes.front();
  bytes = bytes.subspan(1);
  return true;
}

Result<std::uint32_t> HighTagNumber(Bytes& bytes) {
  std::uint64_t number = 0;
  for (int i = 0; i < 5; ++i) {
    std::uint8_t byte = 0;
    if (!Take(bytes, byte)) return Bad("ends within a tag");
    if (i == 0 && byte == 0x80) return Bad("a tag number with leading zeros");
    number = number << 7U | (byte & 0x7FU);
    if ((byte & 0x80U) == 0) {
      if (number < 31 || number > 0xFFFFFFFFU) return Bad("a tag number out of range");
      return static_cast<std::uint32_t>(number);
    }
  }
  return Bad("a tag number longer than 5 bytes");
}

Result<std::size_t> Length(Bytes& bytes) {
  std::uint8_t first = 0;
  if (!Take(bytes, first)) return Bad("ends before a length");
  if (first < 0x80) return first;
  const unsigned count = first & 0x7FU;
  if (count == 0 || count > 4) return Bad("an indefinite or too long length");
  std::size_t length = 0;
  for (unsigned i = 0; i < count; ++i) {
    std::uint8_t byte = 0;
    if (!Take(bytes, byte)) return Bad("ends within a length");
    if (i == 0 && byte == 0) return Bad("a length with leading zeros");
    length = length << 8U | byte;
  }
  if (length < 0x80) return Bad("a length not in shortest form");
  return length;
}

}  // namespace

Result<Element> DerReader::Next() {
  const Bytes start = rest_;
  Bytes bytes = rest_;
  std::uint8_t tag = 0;
  if (!Take(bytes, tag)) return Bad("an element is missing");
  Element element;
  element.tag_class = static_cast<TagClass>(tag >> 6U);
  element.constructed = (tag & 0x20U) != 0;
  element.number = tag & 0x1FU;
  if (element.number == 31) {
    STATION_TRY(number, HighTagNumber(bytes));
    element.number = number;
  }
  STATION_TRY(length, Length(bytes));
  if (length > bytes.size()) return Bad("an element is longer than what holds it");
  element.content = bytes.first(length);
  rest_ = bytes.subspan(length);
  element.whole = start.first(start.size() - rest_.size());
  return element;
}

Result<Element> DerReader::Next(std::uint32_t universal) {
  STATION_TRY(element, Next());
  if (!element.Is(universal)) return Bad("expected tag " + std::to_string(universal) + ", found " + std::to_string(element.number));
  return element;
}

Status DerReader::Expect(std::string_view text) {
  STATION_TRY(element, Next(kIa5String));
  if (Text(element) != text) return Bad("expected the string " + std::string(text));
  return {};
}

Result<Element> ReadOnly(Bytes bytes, std::uint32_t universal) {
  DerReader reader(bytes);
  STATION_TRY(element, reader.Next(universal));
  if (!reader.AtEnd()) return Bad("bytes behind the end");
  return element;
}

Result<std::uint64_t> UnsignedInteger(const Element& element) {
  if (!element.Is(kInteger) || element.content.empty()) return Bad("not an integer");
  if ((element.content[0] & 0x80U) != 0) return Bad("a negative integer");
  Bytes digits = element.content;
  if (digits[0] == 0) digits = digits.subspan(1);
  if (digits.size() > 8) return Bad("an integer beyond 64 bits");
  std::uint64_t value = 0;
  for (const std::uint8_t byte : digits) value = value << 8U | byte;
  return value;
}

std::string Text(const Element& element) {
  return {reinterpret_cast<const char*>(element.content.data()), element.content.size()};
}

std::vector<std::uint8_t> DerHeader(std::uint8_t tag, std::size_t length) {
  std::vector<std::uint8_t> header{tag};
  if (length < 0x80) {
    header.push_back(static_cast<std::uint8_t>(length));
    return header;
  }
  std::vector<std::uint8_t> digits;
  for (std::size_t rest = length; rest != 0; rest >>= 8U) digits.insert(digits.begin(), static_cast<std::uint8_t>(rest & 0xFFU));
  header.push_back(static_cast<std::uint8_t>(0x80U | digits.size()));
  header.insert(header.end(), digits.begin(), digits.end());
  return header;
}

std::uint32_t FourCc(std::string_view text) {
  if (text.size() != 4) return 0;
  std::uint32_t value = 0;
  for (const char c : text) value = value << 8U | static_cast<std::uint8_t>(c);
  return value;
}

std::string FourCcText(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift & 0xFFU));
  return text;
}

}  // namespace station::image4
