#pragma once
// The host side's pair records and its system BUID, kept as usbmuxd keeps them: one file for each
// phone.

#include <mutex>
#include <optional>
#include <string>

#include "tests/rack/wire/value.h"

namespace rack {

class PairRecords {
 public:
  explicit PairRecords(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::string Buid();
  // Nothing when there is none or the id is no plain name.
  [[nodiscard]] std::optional<Bytes> Read(const std::string& id);
  [[nodiscard]] bool Save(const std::string& id, const Bytes& record);
  [[nodiscard]] bool Delete(const std::string& id);

 private:
  [[nodiscard]] std::optional<std::string> PathOf(const std::string& id) const;

  std::mutex mutex_;
  std::string folder_;
};

}  // namespace rack
