#pragma once
// Factory data (FDR): the phone reaches Apple's servers through the host while it restores (restore-protocol 8).

#include <memory>

#include "station/base/job_control.h"
#include "station/device/connection.h"

namespace station::restore {

// Runs on threads of its own from construction to destruction. What fails here is logged, never an error of the restore:
// a phone with cached factory data goes on, one without says so itself.
class FdrProxy {
 public:
  FdrProxy(const device::Device& device, JobControl& control);
  ~FdrProxy();
  FdrProxy(const FdrProxy&) = delete;
  FdrProxy& operator=(const FdrProxy&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace station::restore
