#include "station/signing/request_fields.h"

namespace station::signing {

using plist::Plist;
using plist::View;

std::optional<std::uint64_t> NumberOf(View value) {
  if (const auto number = value.Number()) return number;
  const auto bytes = value.Data();
  if (!bytes || bytes->empty() || bytes->size() > 8) return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t i = bytes->size(); i > 0; --i) number = number << 8U | (*bytes)[i - 1];
  return number;
}

std::optional<bool> BoolOf(View value) {
  if (const auto boolean = value.Bool()) return boolean;
  if (const auto number = value.Integer()) return *number != 0;
  return std::nullopt;
}

std::optional<Plist> Converted(View value, Kind kind) {
  switch (kind) {
    case Kind::kNumber:
      if (const auto number = NumberOf(value)) return Plist::Integer(*number);
      return std::nullopt;
    case Kind::kBool:
      if (const auto boolean = BoolOf(value)) return Plist::Bool(*boolean);
      return std::nullopt;
    case Kind::kData:
      if (value.IsData()) return Plist::Copy(value);
      return std::nullopt;
    case Kind::kAny:
      if (!value.Present()) return std::nullopt;
      // Hex strings are how manifests write numbers; nothing else begins like that.
      if (const auto text = value.String(); text && text->starts_with("0x")) {
        if (const auto number = value.Number()) return Plist::Integer(*number);
      }
      return Plist::Copy(value);
  }
  return std::nullopt;
}

void CopyFields(Plist& request, std::span<const Field> fields, View info, View identity) {
  for (const Field& field : fields) {
    View value = info[field.source == nullptr ? field.key : field.source];
    if (!value.Present() && field.source == nullptr) value = identity[field.key];
    if (auto converted = Converted(value, field.kind))
      request.Set(field.key, std::move(*converted));
  }
}

}  // namespace station::signing
