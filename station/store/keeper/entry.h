#pragma once
// What the store says about one firmware, without opening it: the small text file `entry` of each
// object.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::store {

struct Entry {
  Sha256Digest sha256{};              // of the whole IPSW: its name in the store
  std::uint64_t size = 0;             // of the IPSW, bytes
  std::string version;                // "18.1"
  std::string build;                  // "22B83"
  std::vector<std::string> products;  // "iPhone10,1", ...
  std::string source;                 // where it was imported from
  std::int64_t added_unix = 0;        // seconds
  std::optional<Sha1Digest> sha1;     // of the whole IPSW, when a catalogue's was checked
  friend bool operator==(const Entry&, const Entry&) = default;

  [[nodiscard]] bool Supports(std::string_view product) const;
};

// "key value" lines, one `product` line each; control characters and '%' in values are written %XX.
[[nodiscard]] std::string FormatEntry(const Entry& entry);
// kFirmwareRotted when a line is not understood or one of sha256, size, version, build, product is
// absent.
[[nodiscard]] Result<Entry> ParseEntry(std::string_view text);

// Nothing when it is not 40 hexadecimal digits, of either case.
[[nodiscard]] std::optional<Sha1Digest> ParseSha1(std::string_view hex);

// Whether `a` is the newer system: version by its numbers, then build (train, letter, number), then
// the later import.
[[nodiscard]] bool IsNewer(const Entry& a, const Entry& b);

}  // namespace station::store
