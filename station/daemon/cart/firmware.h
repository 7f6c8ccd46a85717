#pragma once
// Which firmware a phone gets: the shelf's entries, remembered, and chosen from.

#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "station/base/result.h"
#include "station/store/keeper/shelf.h"

namespace station::daemon {

class FirmwareChoice {
 public:
  explicit FirmwareChoice(store::Shelf shelf) : shelf_(std::move(shelf)) {}

  // Reads the shelf anew; an unreadable one keeps what was known.
  [[nodiscard]] Status Refresh();
  // `wanted` is the beginning of a SHA-256 in hex, or empty: the newest for the product.
  // kFirmwareAbsent when there is none, kFirmwareNoIdentity when the one wanted is not for the
  // product, kFirmwareAmbiguousIdentity when several fit.
  [[nodiscard]] Result<store::Entry> Choose(std::string_view wanted,
                                            std::string_view product) const;

  [[nodiscard]] const std::vector<store::Entry>& Entries() const {
    return entries_;
  }  // newest system first
  [[nodiscard]] Result<store::WorkerFiles> Open(const Sha256Digest& sha256) const {
    return shelf_.OpenForWorker(sha256);
  }
  [[nodiscard]] Result<store::Lease> Hold(const Sha256Digest& sha256) {
    return shelf_.Hold(sha256);
  }
  [[nodiscard]] const std::filesystem::path& Root() const { return shelf_.Root(); }

 private:
  store::Shelf shelf_;
  std::vector<store::Entry> entries_;
};

// "15.8 (19H999)"
[[nodiscard]] std::string VersionText(const store::Entry& entry);

}  // namespace station::daemon
