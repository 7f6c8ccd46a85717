#pragma once
// A property list as a plain value: what lockdownd, restored, usbmuxd and the signing server speak.
// Dictionaries keep their order. libplist reads and writes the two formats; nothing of it is
// visible here.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "station/base/result.h"

namespace rack {

using Bytes = std::vector<std::uint8_t>;

class Value {
 public:
  using Array = std::vector<Value>;
  using Dict = std::vector<std::pair<std::string, Value>>;
  struct Date {
    std::int32_t seconds = 0;
    std::int32_t microseconds = 0;
  };

  Value() = default;  // an empty dictionary
  Value(bool flag) : data_(flag) {}
  Value(std::uint64_t number) : data_(number) {}
  Value(int number) : data_(static_cast<std::uint64_t>(number)) {}
  Value(double number) : data_(number) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(Bytes bytes) : data_(std::move(bytes)) {}
  Value(Date date) : data_(date) {}
  Value(Array array) : data_(std::move(array)) {}
  Value(Dict dict) : data_(std::move(dict)) {}

  [[nodiscard]] const Dict* AsDict() const { return std::get_if<Dict>(&data_); }
  [[nodiscard]] Dict* AsDict() { return std::get_if<Dict>(&data_); }
  [[nodiscard]] const Array* AsArray() const { return std::get_if<Array>(&data_); }
  [[nodiscard]] Array* AsArray() { return std::get_if<Array>(&data_); }
  [[nodiscard]] const std::string* AsText() const { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const Bytes* AsBytes() const { return std::get_if<Bytes>(&data_); }
  [[nodiscard]] const bool* AsBool() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const std::uint64_t* AsNumber() const { return std::get_if<std::uint64_t>(&data_); }
  [[nodiscard]] const double* AsReal() const { return std::get_if<double>(&data_); }
  [[nodiscard]] const Date* AsDate() const { return std::get_if<Date>(&data_); }

  // The entry of a dictionary; null when absent or when this is no dictionary.
  [[nodiscard]] const Value* Find(std::string_view key) const;
  [[nodiscard]] Value* Find(std::string_view key);
  // Adds or replaces; turns anything but a dictionary into one.
  Value& Set(std::string_view key, Value value);
  void Erase(std::string_view key);

  // The entry when it is there and of that type.
  [[nodiscard]] std::string Text(std::string_view key, std::string_view otherwise = "") const;
  [[nodiscard]] std::optional<std::uint64_t> Number(std::string_view key) const;
  [[nodiscard]] bool Flag(std::string_view key, bool otherwise = false) const;
  [[nodiscard]] const Bytes* Data(std::string_view key) const;

  [[nodiscard]] std::string ToXml() const;
  [[nodiscard]] std::string ToBinary() const;
  // Either format; kBadRequest when it is neither.
  [[nodiscard]] static station::Result<Value> Parse(std::span<const std::uint8_t> bytes);
  [[nodiscard]] static station::Result<Value> Parse(std::string_view text);

 private:
  std::variant<Dict, bool, std::uint64_t, double, std::string, Bytes, Date, Array> data_;
};

[[nodiscard]] inline std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view AsText(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace rack
