#pragma once
// Single values of a signing request, brought into the type the signing server expects: manifests
// write numbers as hex strings, phones as integers, and some chips as bytes.

#include <cstdint>
#include <optional>
#include <span>

#include "station/plist/plist.h"

namespace station::signing {

enum class Kind : std::uint8_t { kNumber, kBool, kData, kAny };
enum class Need : std::uint8_t { kOptional, kRequired };

// `source`: the name the phone has for it, where that differs.
struct Field {
  const char* key;
  Kind kind;
  Need need = Need::kOptional;
  const char* source = nullptr;
};

// An integer, a string of one, or up to 8 bytes least significant first.
[[nodiscard]] std::optional<std::uint64_t> NumberOf(plist::View value);
// A boolean, or an integer other than 0.
[[nodiscard]] std::optional<bool> BoolOf(plist::View value);
// The value in the wanted type; nothing when it is absent or cannot be.
[[nodiscard]] std::optional<plist::Plist> Converted(plist::View value, Kind kind);

// Copies what `info` holds under the field's source, else, where the names are the same, what the
// build identity holds.
void CopyFields(plist::Plist& request, std::span<const Field> fields, plist::View info,
                plist::View identity);

}  // namespace station::signing
