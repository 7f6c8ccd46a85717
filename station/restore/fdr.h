#pragma once
// Factory data (FDR): the phone reaches Apple's servers through the host while it restores
// (restore-protocol 8).

#include <memory>
#include <string>
#include <vector>

#include "station/base/job_control.h"
#include "station/restore/restore_setup.h"

namespace station::restore {

// Runs on threads of its own from construction to destruction. What fails here is logged, never an
// error of the restore: a phone with cached factory data goes on, one without says so itself.
class FdrProxy {
 public:
  // Begins with the second version of the protocol and falls back to the first on a connection of
  // its own.
  FdrProxy(const ConnectToPort& connect, const std::vector<std::string>& further_hosts,
           JobControl& control);
  ~FdrProxy();
  FdrProxy(const FdrProxy&) = delete;
  FdrProxy& operator=(const FdrProxy&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace station::restore
