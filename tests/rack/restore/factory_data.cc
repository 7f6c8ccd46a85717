// Factory data: kept by the phone or recovered through the host's proxy, and verified in the end.

#include <spdlog/spdlog.h>

#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kFixVar = 17;
constexpr int kKeyBag = 50;

// A phone that still has its factory data goes on without; one that has not is lost (reference 8).
StepResult Recover(RestoreRun& run) {
  const bool needed = run.phone.Spec().fdr_needed;
  if (!run.fdr.Present()) {
    if (needed) return Refused(Reason::kFdr, "no proxy to recover factory data through");
    return {};
  }
  const auto reached = run.fdr.Reach();
  spdlog::info("phone={} fdr_reached={} detail=\"{}\"", run.phone.Spec().name, reached.has_value(),
               reached ? "" : reached.error().detail);
  if (needed && !reached) return std::unexpected(reached.error());
  return {};
}

bool Late(const RestoreRun& run) { return run.os >= 18; }

constexpr Step kSaved[] = {
    {.name = "fdr-restore", .checkpoint = {0x627, "fdr_restore_saved_data"}},
    {.name = "firmware-before-fdr",
     .checkpoint = {0x69A, "update_device_firmware_pre_fdr"},
     .asked = Late},
};

constexpr Step kRecovered[] = {
    {.name = "fix-var", .checkpoint = {0x652, "clear_fips_data_file"}, .operation = kFixVar},
    {.name = "key-bag", .operation = kKeyBag},
    {.name = "fdr-recover",
     .checkpoint = {0x634, "fdr_recover"},
     .run = Recover,
     .status = kFdrFailure},
    {.name = "fdr-claim", .checkpoint = {0x67D, "fdr_auto_challenge_claim"}, .asked = Late},
};

constexpr Step kVerified[] = {
    {.name = "fdr-verify", .checkpoint = {0x63C, "verify_fdr_data"}},
    {.name = "firmware-after-sealing", .checkpoint = {0x668, "update_firmware_post_sealing"}},
};

}  // namespace

std::span<const Step> FactoryDataSavedSteps() { return kSaved; }
std::span<const Step> FactoryDataRecoveredSteps() { return kRecovered; }
std::span<const Step> FactoryDataVerifiedSteps() { return kVerified; }

}  // namespace rack
