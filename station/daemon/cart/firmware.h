#pragma once
// Which firmware a phone gets: the shelf's entries, remembered, and chosen from.

#include <functional>
#include <set>
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
  // kFirmwareAbsent when there is none, kFirmwareRotted when what there was is in quarantine,
  // kFirmwareNoIdentity when the one wanted is not for the
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
  // Whether it is there and may be given out.
  [[nodiscard]] bool Has(const Sha256Digest& sha256) const;
  // Not given out while it is under suspicion.
  void Withhold(const Sha256Digest& sha256) { withheld_.insert(sha256); }
  void Release(const Sha256Digest& sha256) { withheld_.erase(sha256); }
  [[nodiscard]] bool Withheld(const Sha256Digest& sha256) const {
    return withheld_.contains(sha256);
  }
  [[nodiscard]] std::size_t Quarantined() const { return quarantined_.size(); }
  [[nodiscard]] const std::filesystem::path& Root() const { return shelf_.Root(); }
  [[nodiscard]] store::Shelf& Shelf() { return shelf_; }

 private:
  [[nodiscard]] ErrorCode WhyNone(std::string_view prefix, std::string_view product) const;

  store::Shelf shelf_;
  std::vector<store::Entry> entries_;
  std::vector<store::Quarantined> quarantined_;
  std::set<Sha256Digest> withheld_;
};

// "15.8 (19H999)"
[[nodiscard]] std::string VersionText(const store::Entry& entry);

}  // namespace station::daemon
