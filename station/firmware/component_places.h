#pragma once
// Where the components of a manifest are used and who signs them, as tables
// (restore-protocol 2.4, 3.4, 5.5, 6.7, 6.8).

#include <span>
#include <string>
#include <string_view>

#include "station/firmware/build_manifest.h"
#include "station/firmware/inspection.h"

namespace station::firmware {

inline constexpr std::string_view kApSigner = "AP";

// What the restore OS asks for: a component is listed in every chapter that holds it. The boot
// chain is in boot_order.h.
struct Place {
  Chapter chapter;
  std::string_view use;  // the data request that brings it
  bool (*holds)(const Component& component);
};
[[nodiscard]] std::span<const Place> Places();

// Whose ticket covers it: "AP", a chip's name, the unknown prefix of its name; empty for what
// nobody signs.
[[nodiscard]] std::string SignerOf(const Component& component);
[[nodiscard]] bool IsKnownSigner(std::string_view signer);

[[nodiscard]] std::string DigestKindOf(const Component& component);
// What the rules ask for on a retail phone, by name.
inline constexpr std::string_view kUsualModes = "EPRO ESEC";
[[nodiscard]] std::string ModesOf(const Component& component);

// Properties of an identity that this station cannot serve (`beyond`), or that are worth knowing.
struct Limit {
  bool beyond;
  std::string_view text;
  bool (*applies)(const Identity& identity);
};
[[nodiscard]] std::span<const Limit> Limits();

}  // namespace station::firmware
