#include "tests/rack/wire/value.h"

#include <plist/plist.h>

#include <cstdlib>
#include <memory>

namespace rack {
namespace {

struct PlistDeleter {
  void operator()(void* node) const { plist_free(node); }
};
using OwnedPlist = std::unique_ptr<void, PlistDeleter>;

struct CFree {
  void operator()(void* pointer) const { std::free(pointer); }
};

constexpr int kDeepest = 64;  // nesting; anything deeper is an attack, not a message

Value FromPlist(plist_t node, int depth);

Value DictFromPlist(plist_t node, int depth) {
  Value::Dict dict;
  plist_dict_iter raw = nullptr;
  plist_dict_new_iter(node, &raw);
  const std::unique_ptr<void, CFree> iterator(raw);
  while (true) {
    char* key = nullptr;
    plist_t item = nullptr;
    plist_dict_next_item(node, raw, &key, &item);
    const std::unique_ptr<char, CFree> owned(key);
    if (key == nullptr || item == nullptr) break;
    dict.emplace_back(key, FromPlist(item, depth + 1));
  }
  return Value(std::move(dict));
}

Value FromPlist(plist_t node, int depth) {
  if (depth > kDeepest) return Value();
  switch (plist_get_node_type(node)) {
    case PLIST_BOOLEAN: {
      std::uint8_t flag = 0;
      plist_get_bool_val(node, &flag);
      return Value(flag != 0);
    }
    case PLIST_UINT: {
      std::uint64_t number = 0;
      plist_get_uint_val(node, &number);
      return Value(number);
    }
    case PLIST_REAL: {
      double number = 0;
      plist_get_real_val(node, &number);
      return Value(number);
    }
    case PLIST_STRING: {
      std::uint64_t size = 0;
      const char* text = plist_get_string_ptr(node, &size);
      return Value(std::string(text == nullptr ? "" : text, text == nullptr ? 0 : size));
    }
    case PLIST_DATA: {
      std::uint64_t size = 0;
      const char* data = plist_get_data_ptr(node, &size);
      return data == nullptr ? Value(Bytes()) : Value(Bytes(data, data + size));
    }
    case PLIST_DATE: {
      Value::Date date;
      plist_get_date_val(node, &date.seconds, &date.microseconds);
      return Value(date);
    }
    case PLIST_ARRAY: {
      Value::Array array;
      const std::uint32_t size = plist_array_get_size(node);
      array.reserve(size);
      for (std::uint32_t i = 0; i < size; ++i)
        array.push_back(FromPlist(plist_array_get_item(node, i), depth + 1));
      return Value(std::move(array));
    }
    case PLIST_DICT:
      return DictFromPlist(node, depth);
    case PLIST_KEY:
    case PLIST_UID:
    case PLIST_NONE:
      break;
  }
  return Value();
}

plist_t ToPlist(const Value& value) {
  if (const auto* flag = value.AsBool()) return plist_new_bool(*flag ? 1 : 0);
  if (const auto* number = value.AsNumber()) return plist_new_uint(*number);
  if (const auto* real = value.AsReal()) return plist_new_real(*real);
  if (const auto* text = value.AsText()) return plist_new_string(text->c_str());
  if (const auto* date = value.AsDate()) return plist_new_date(date->seconds, date->microseconds);
  if (const auto* bytes = value.AsBytes())
    return plist_new_data(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  if (const auto* array = value.AsArray()) {
    plist_t node = plist_new_array();
    for (const Value& item : *array) plist_array_append_item(node, ToPlist(item));
    return node;
  }
  plist_t node = plist_new_dict();
  for (const auto& [key, item] : *value.AsDict())
    plist_dict_set_item(node, key.c_str(), ToPlist(item));
  return node;
}

using Writer = decltype(&plist_to_xml);
std::string Write(const Value& value, Writer writer) {
  const OwnedPlist node(ToPlist(value));
  char* text = nullptr;
  std::uint32_t size = 0;
  writer(node.get(), &text, &size);
  const std::unique_ptr<char, CFree> owned(text);
  return text == nullptr ? std::string() : std::string(text, size);
}

}  // namespace

const Value* Value::Find(std::string_view key) const {
  if (const Dict* dict = AsDict()) {
    for (const auto& [name, value] : *dict)
      if (name == key) return &value;
  }
  return nullptr;
}

Value* Value::Find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).Find(key));
}

Value& Value::Set(std::string_view key, Value value) {
  if (AsDict() == nullptr) data_ = Dict();
  if (Value* existing = Find(key))
    *existing = std::move(value);
  else
    AsDict()->emplace_back(std::string(key), std::move(value));
  return *this;
}

void Value::Erase(std::string_view key) {
  if (Dict* dict = AsDict())
    std::erase_if(*dict, [&](const auto& entry) { return entry.first == key; });
}

std::string Value::Text(std::string_view key, std::string_view otherwise) const {
  const Value* value = Find(key);
  const std::string* text = value == nullptr ? nullptr : value->AsText();
  return text == nullptr ? std::string(otherwise) : *text;
}

std::optional<std::uint64_t> Value::Number(std::string_view key) const {
  const Value* value = Find(key);
  const std::uint64_t* number = value == nullptr ? nullptr : value->AsNumber();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

bool Value::Flag(std::string_view key, bool otherwise) const {
  const Value* value = Find(key);
  const bool* flag = value == nullptr ? nullptr : value->AsBool();
  return flag == nullptr ? otherwise : *flag;
}

const Bytes* Value::Data(std::string_view key) const {
  const Value* value = Find(key);
  return value == nullptr ? nullptr : value->AsBytes();
}

std::string Value::ToXml() const { return Write(*this, plist_to_xml); }
std::string Value::ToBinary() const { return Write(*this, plist_to_bin); }

station::Result<Value> Value::Parse(std::string_view text) {
  const bool binary = text.starts_with("bplist00");
  plist_t raw = nullptr;
  (binary ? plist_from_bin : plist_from_xml)(text.data(), static_cast<std::uint32_t>(text.size()),
                                             &raw);
  const OwnedPlist node(raw);
  if (!node) return station::Fail(station::ErrorCode::kBadRequest, "not a property list");
  return FromPlist(node.get(), 0);
}

station::Result<Value> Value::Parse(std::span<const std::uint8_t> bytes) {
  return Parse(rack::AsText(bytes));
}

}  // namespace rack
