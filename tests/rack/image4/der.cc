#include "tests/rack/image4/der.h"

#include <algorithm>

namespace rack::der {
namespace {

constexpr std::uint8_t kPrivateHighTag = 0xFF;

void AppendLength(Bytes& out, std::size_t size) {
  if (size < 0x80) {
    out.push_back(static_cast<std::uint8_t>(size));
    return;
  }
  int count = 0;
  for (std::size_t left = size; left != 0; left >>= 8U) ++count;
  out.push_back(static_cast<std::uint8_t>(0x80 | count));
  for (int i = count - 1; i >= 0; --i)
    out.push_back(static_cast<std::uint8_t>(size >> (8U * static_cast<unsigned>(i))));
}

void Append(Bytes& out, Span bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace

std::optional<std::size_t> Reader::ReadLength(std::size_t& at) const {
  if (at >= rest_.size()) return std::nullopt;
  const std::uint8_t first = rest_[at++];
  if (first < 0x80) return first;
  const std::size_t count = first & 0x7FU;
  if (count == 0 || count > 4 || rest_.size() - at < count)
    return std::nullopt;  // 0: indefinite, not DER
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) size = size << 8U | rest_[at++];
  const bool minimal = size >= 0x80 && (count == 1 || size >> (8U * (count - 1)) != 0);
  return minimal ? std::optional(size) : std::nullopt;
}

std::optional<Element> Reader::Next() {
  const auto fail = [this] {
    rest_ = {};
    return std::nullopt;
  };
  if (rest_.empty()) return std::nullopt;
  Element element;
  std::size_t at = 0;
  element.first = rest_[at++];
  if ((element.first & 0x1FU) == 0x1FU) {
    if (element.first != kPrivateHighTag) return fail();
    std::uint64_t number = 0;
    while (true) {
      if (at >= rest_.size() || at > 5) return fail();
      const std::uint8_t digit = rest_[at++];
      if (number == 0 && digit == 0x80) return fail();  // leading zero digit
      number = number << 7U | (digit & 0x7FU);
      if ((digit & 0x80U) == 0) break;
    }
    if (number > 0xFFFFFFFFU || number < 0x1F) return fail();
    element.four_cc = static_cast<std::uint32_t>(number);
  }
  const auto size = ReadLength(at);
  if (!size || rest_.size() - at < *size) return fail();
  element.content = rest_.subspan(at, *size);
  element.whole = rest_.first(at + *size);
  rest_ = rest_.subspan(at + *size);
  return element;
}

std::optional<Element> Reader::Next(Tag wanted) {
  const auto element = Next();
  if (element && element->Is(wanted)) return element;
  rest_ = {};
  return std::nullopt;
}

std::optional<std::string> Reader::NextText() {
  const auto element = Next(Tag::kText);
  if (!element) return std::nullopt;
  if (std::ranges::any_of(element->content, [](std::uint8_t c) { return c >= 0x80; }))
    return std::nullopt;
  return std::string(AsText(element->content));
}

std::optional<std::uint64_t> Reader::NextNumber() {
  const auto element = Next();
  return element ? NumberOf(*element) : std::nullopt;
}

std::optional<std::uint64_t> NumberOf(const Element& element) {
  const Span bytes = element.content;
  if (!element.Is(Tag::kInteger) || bytes.empty() || bytes.size() > 9 || bytes[0] >= 0x80)
    return std::nullopt;
  if (bytes.size() > 1 && bytes[0] == 0 && bytes[1] < 0x80) return std::nullopt;  // padded
  if (bytes.size() == 9 && bytes[0] != 0) return std::nullopt;
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8U | byte;
  return number;
}

std::optional<bool> FlagOf(const Element& element) {
  if (!element.Is(Tag::kBoolean) || element.content.size() != 1) return std::nullopt;
  const std::uint8_t byte = element.content[0];
  return byte == 0 ? std::optional(false) : byte == 0xFF ? std::optional(true) : std::nullopt;
}

std::optional<Element> Whole(Span bytes, Tag wanted) {
  Reader reader(bytes);
  const auto element = reader.Next(wanted);
  return element && reader.AtEnd() ? element : std::nullopt;
}

std::uint32_t FourCc(std::string_view text) {
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4)) value = value << 8U | static_cast<std::uint8_t>(c);
  return value;
}

std::string FourCcText(std::uint32_t four_cc) {
  return {static_cast<char>(four_cc >> 24U), static_cast<char>(four_cc >> 16U),
          static_cast<char>(four_cc >> 8U), static_cast<char>(four_cc)};
}

Bytes Header(Tag tag, std::size_t size) {
  Bytes out{static_cast<std::uint8_t>(tag)};
  AppendLength(out, size);
  return out;
}

Bytes Wrap(Tag tag, Span content) {
  Bytes out = Header(tag, content.size());
  Append(out, content);
  return out;
}

Bytes Text(std::string_view text) { return Wrap(Tag::kText, AsBytes(text)); }
Bytes Octets(Span bytes) { return Wrap(Tag::kOctets, bytes); }
Bytes Flag(bool flag) {
  return Wrap(Tag::kBoolean, Bytes{static_cast<std::uint8_t>(flag ? 0xFF : 0)});
}

Bytes Number(std::uint64_t number) {
  Bytes digits;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const auto byte = static_cast<std::uint8_t>(number >> static_cast<unsigned>(shift));
    if (!digits.empty() || byte != 0 || shift == 0) digits.push_back(byte);
  }
  if (digits[0] >= 0x80) digits.insert(digits.begin(), 0);
  return Wrap(Tag::kInteger, digits);
}

Bytes Keyed(std::string_view four_cc, Span value) {
  Bytes inner = Text(four_cc);
  Append(inner, value);
  const Bytes sequence = Wrap(Tag::kSequence, inner);
  const std::uint32_t number = FourCc(four_cc);
  Bytes out{kPrivateHighTag};
  for (int shift = 28; shift >= 0; shift -= 7) {
    const auto digit = static_cast<std::uint8_t>(number >> static_cast<unsigned>(shift) & 0x7FU);
    if (out.size() == 1 && digit == 0) continue;
    out.push_back(static_cast<std::uint8_t>(shift == 0 ? digit : digit | 0x80U));
  }
  AppendLength(out, sequence.size());
  Append(out, sequence);
  return out;
}

Bytes Join(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const Bytes& part : parts) Append(out, part);
  return out;
}

}  // namespace rack::der
