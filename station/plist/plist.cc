#include "station/plist/plist.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace station::plist {
namespace {

constexpr int kDeepest = 64;  // real property lists nest about ten deep; libplist recurses

// XML nesting bounded before libplist sees it: its parser and its free are recursive.
bool NestsTooDeep(std::span<const std::uint8_t> bytes) {
  int depth = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] != '<') continue;
    const auto starts = [&](std::string_view tag) {
      return bytes.size() - i >= tag.size() && std::memcmp(bytes.data() + i, tag.data(), tag.size()) == 0;
    };
    if (starts("<dict>") || starts("<array>")) ++depth;
    if (starts("</dict>") || starts("</array>")) --depth;
    if (depth > kDeepest) return true;
  }
  return false;
}

}  // namespace

View View::operator[](const std::string& key) const {
  return IsDict() ? View(plist_dict_get_item(node_, key.c_str())) : View();
}

std::size_t View::Size() const {
  if (IsDict()) return plist_dict_get_size(node_);
  if (IsArray()) return plist_array_get_size(node_);
  return 0;
}

View View::At(std::size_t index) const {
  if (!IsArray() || index >= Size()) return {};
  return View(plist_array_get_item(node_, static_cast<std::uint32_t>(index)));
}

std::optional<std::string> View::String() const {
  if (!IsString()) return std::nullopt;
  std::uint64_t size = 0;
  const char* text = plist_get_string_ptr(node_, &size);
  // libplist copies a text up to its first NUL and keeps the length it had (2.2.0).
  return text == nullptr ? std::string() : std::string(text, ::strnlen(text, size));
}

std::optional<std::uint64_t> View::Integer() const {
  if (!IsInteger()) return std::nullopt;
  std::uint64_t value = 0;
  plist_get_uint_val(node_, &value);
  return value;
}

std::optional<bool> View::Bool() const {
  if (!IsBool()) return std::nullopt;
  std::uint8_t value = 0;
  plist_get_bool_val(node_, &value);
  return value != 0;
}

std::optional<std::span<const std::uint8_t>> View::Data() const {
  if (!IsData()) return std::nullopt;
  std::uint64_t size = 0;
  const char* bytes = plist_get_data_ptr(node_, &size);
  return std::span(reinterpret_cast<const std::uint8_t*>(bytes), bytes == nullptr ? 0 : size);
}

std::optional<std::uint64_t> View::Number() const {
  if (const auto integer = Integer()) return integer;
  auto text = String();
  if (!text || text->empty()) return std::nullopt;
  std::string_view digits = *text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void View::ForEach(const std::function<void(const std::string&, View)>& visit) const {
  if (!IsDict()) return;
  plist_dict_iter iterator = nullptr;
  plist_dict_new_iter(node_, &iterator);
  const std::unique_ptr<void, decltype(&std::free)> guard(iterator, &std::free);
  while (true) {
    char* key = nullptr;
    plist_t value = nullptr;
    plist_dict_next_item(node_, iterator, &key, &value);
    if (key == nullptr) return;
    const std::string name(key);
    std::free(key);
    visit(name, View(value));
  }
}

Result<Plist> Plist::Parse(std::span<const std::uint8_t> bytes, std::size_t limit) {
  if (bytes.size() > limit) return Fail(ErrorCode::kBadRequest, "a property list of " + std::to_string(bytes.size()) + " bytes");
  if (bytes.size() < 8) return Fail(ErrorCode::kBadRequest, "too short for a property list");
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const auto size = static_cast<std::uint32_t>(bytes.size());
  plist_t node = nullptr;
  if (std::memcmp(text, "bplist00", 8) == 0) {
    plist_from_bin(text, size, &node);
  } else if (NestsTooDeep(bytes)) {
    return Fail(ErrorCode::kBadRequest, "a property list nested too deep");
  } else {
    // libplist's XML parser looks one byte past some ends: give it a terminated copy.
    const std::string copy(text, bytes.size());
    plist_from_xml(copy.c_str(), size, &node);
  }
  if (node == nullptr) return Fail(ErrorCode::kBadRequest, "not a property list");
  return Plist(node);
}

Result<Plist> Plist::Parse(std::string_view text) {
  return Parse(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Plist& Plist::Set(const std::string& key, Plist value) {
  plist_dict_set_item(node_.get(), key.c_str(), value.Release());
  return *this;
}

Plist& Plist::Append(Plist value) {
  plist_array_append_item(node_.get(), value.Release());
  return *this;
}

void Plist::Remove(const std::string& key) { plist_dict_remove_item(node_.get(), key.c_str()); }

std::string Plist::ToXml() const {
  char* text = nullptr;
  std::uint32_t size = 0;
  plist_to_xml(node_.get(), &text, &size);
  std::string xml(text == nullptr ? "" : text, size);
  plist_to_xml_free(text);
  return xml;
}

std::string Plist::ToBinary() const {
  char* bytes = nullptr;
  std::uint32_t size = 0;
  plist_to_bin(node_.get(), &bytes, &size);
  std::string binary(bytes == nullptr ? "" : bytes, size);
  plist_to_bin_free(bytes);
  return binary;
}

}  // namespace station::plist
