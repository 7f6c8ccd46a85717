#pragma once
// Who writes down what happens: the ledger's writing end as the state thread sees it.

#include <cstdint>
#include <functional>
#include <vector>

#include "station/base/result.h"
#include "station/ledger/records.h"

namespace station::ledger {

class Recorder {
 public:
  using Done = std::function<void(Status)>;
  virtual ~Recorder() = default;

  // All of `records` or none, in the order of the calls. `done` is called later, on the state
  // thread, once they are on disk, or with why they are not.
  virtual void Append(std::vector<Record> records, Done done = nullptr) = 0;

  // The next number of its kind: above all that are on disk, never given twice while this object
  // lives.
  [[nodiscard]] virtual JobId NextJobId() = 0;
  [[nodiscard]] virtual std::int64_t NextArmingId() = 0;
};

}  // namespace station::ledger
