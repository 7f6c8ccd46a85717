#pragma once
// A property list: what every Apple protocol here is written in. Owns its tree; views borrow from it.

#include <plist/plist.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "station/base/result.h"

namespace station::plist {

// A borrowed node, maybe absent. Every read of an absent or differently typed node answers nothing.
class View {
 public:
  View() = default;
  explicit View(plist_t node) : node_(node) {}

  [[nodiscard]] bool Present() const { return node_ != nullptr; }
  [[nodiscard]] bool IsDict() const { return Type() == PLIST_DICT; }
  [[nodiscard]] bool IsArray() const { return Type() == PLIST_ARRAY; }
  [[nodiscard]] bool IsData() const { return Type() == PLIST_DATA; }
  [[nodiscard]] bool IsString() const { return Type() == PLIST_STRING; }
  [[nodiscard]] bool IsBool() const { return Type() == PLIST_BOOLEAN; }
  [[nodiscard]] bool IsInteger() const { return Type() == PLIST_UINT; }

  [[nodiscard]] View operator[](const std::string& key) const;
  [[nodiscard]] std::size_t Size() const;                  // of an array or dict, else 0
  [[nodiscard]] View At(std::size_t index) const;          // of an array
  [[nodiscard]] std::optional<std::string> String() const;
  [[nodiscard]] std::optional<std::uint64_t> Integer() const;
  [[nodiscard]] std::optional<bool> Bool() const;
  [[nodiscard]] std::optional<std::span<const std::uint8_t>> Data() const;  // borrows from the tree
  // An integer, or a string of one ("0x8015", "27"), as build manifests mix them.
  [[nodiscard]] std::optional<std::uint64_t> Number() const;
  // In the dictionary's own order.
  void ForEach(const std::function<void(const std::string& key, View value)>& visit) const;

  [[nodiscard]] plist_t Raw() const { return node_; }

 private:
  [[nodiscard]] plist_type Type() const { return node_ == nullptr ? PLIST_NONE : plist_get_node_type(node_); }
  plist_t node_ = nullptr;
};

class Plist {
 public:
  Plist() = default;
  explicit Plist(plist_t owned) : node_(owned) {}
  [[nodiscard]] static Plist Dict() { return Plist(plist_new_dict()); }
  [[nodiscard]] static Plist Array() { return Plist(plist_new_array()); }
  [[nodiscard]] static Plist String(const std::string& text) { return Plist(plist_new_string(text.c_str())); }
  [[nodiscard]] static Plist Integer(std::uint64_t value) { return Plist(plist_new_uint(value)); }
  [[nodiscard]] static Plist Real(double value) { return Plist(plist_new_real(value)); }
  [[nodiscard]] static Plist Bool(bool value) { return Plist(plist_new_bool(value ? 1 : 0)); }
  [[nodiscard]] static Plist Data(std::span<const std::uint8_t> bytes) {
    return Plist(plist_new_data(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  [[nodiscard]] static Plist Copy(View view) { return Plist(plist_copy(view.Raw())); }
  // XML or binary. `limit` bounds the input in bytes. kBadRequest when it is neither or broken.
  [[nodiscard]] static Result<Plist> Parse(std::span<const std::uint8_t> bytes, std::size_t limit = 64U << 20U);
  [[nodiscard]] static Result<Plist> Parse(std::string_view text);

  // On a dict (replaces) and on an array; returns *this for chains.
  Plist& Set(const std::string& key, Plist value);
  Plist& Append(Plist value);
  void Remove(const std::string& key);

  [[nodiscard]] std::string ToXml() const;
  [[nodiscard]] std::string ToBinary() const;
  [[nodiscard]] View Get() const { return View(node_.get()); }
  [[nodiscard]] View operator[](const std::string& key) const { return Get()[key]; }
  [[nodiscard]] explicit operator bool() const { return node_ != nullptr; }
  [[nodiscard]] plist_t Raw() const { return node_.get(); }
  [[nodiscard]] plist_t Release() { return node_.release(); }

 private:
  struct Free {
    void operator()(void* node) const noexcept { plist_free(node); }
  };
  std::unique_ptr<void, Free> node_;
};

}  // namespace station::plist
