// The system image: asked for, and awaited at once or, from iOS 18 on, when everything that can go
// on beside it is done.

#include "station/base/ids.h"
#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kVerifyRestore = 14;
constexpr int kMount = 16;
constexpr int kUnmount = 29;
constexpr int kProtectedVolume = 67;

bool InTheBackground(const RestoreRun& run) { return run.Asynchronous(); }

// Without a single word of the phone's between the last byte and the first percentage, hosts take
// what follows for the next step (reference 7).
StepResult VerifyImage(RestoreRun& run, const AsrImage& image) {
  for (const int percent : {0, 50, 100}) run.dialogue.Progress(kVerifyRestore, percent);
  if (!image.digest) return std::unexpected(image.digest.error());
  run.image_digest = station::ToHex(*image.digest);
  return {};
}

StepResult AwaitImage(RestoreRun& run) {
  if (run.Asynchronous())
    run.dialogue.Tell(
        Value::Dict{{"MsgType", "AsyncWait"}, {"AsyncContextUUID", run.image->Context()}});
  const auto image = run.image->Await();
  run.image.reset();
  if (!image) return std::unexpected(image.error());
  return VerifyImage(run, *image);
}

StepResult AskImage(RestoreRun& run) {
  const auto rosi = run.ticket.components.find("rosi");
  const auto digest =
      rosi == run.ticket.components.end() ? std::nullopt : rosi->second.Octets("DGST");
  if (!digest) return Refused(Reason::kImageDigest, "the ticket signs no image");
  run.image = std::make_unique<ImageTransfer>(run.phone, run.attachment, run.dialogue,
                                              run.Asynchronous(), *digest, run.Recipes());
  if (StepResult asked = run.image->Ask(); !asked) return asked;
  return run.Asynchronous() ? StepResult() : AwaitImage(run);
}

StepResult MountNewSystem(RestoreRun& run) {
  run.dialogue.Progress(kUnmount, -1);
  run.dialogue.Progress(kMount, -1);
  return {};
}

constexpr Step kImage[] = {
    {.name = "image-room",
     .checkpoint = {0x6B3, "prepare_for_system_image"},
     .asked = InTheBackground},
    {.name = "system-image",
     .checkpoint = {0x65B, "restore_system_image"},
     .asked = InTheBackground,
     .data_type = "SystemImageData",
     .run = AskImage},
    {.name = "system-image",
     .checkpoint = {0x65B, "asr_and_invert_image"},
     .asked = [](const RestoreRun& run) { return !run.Asynchronous(); },
     .data_type = "SystemImageData",
     .run = AskImage},
    {.name = "baseband-migration-data", .checkpoint = {0x65A, "baseband_migration_data"}},
    {.name = "gigalocker", .checkpoint = {0x675, "init_gigalocker"}},
    {.name = "write-persistent-files", .checkpoint = {0x662, "write_persistent_files"}},
};

constexpr Step kAwaited[] = {
    {.name = "image-awaited",
     .checkpoint = {0x6B4, "await_system_image_invert_retry"},
     .run = [](RestoreRun& run) -> StepResult {
       if (StepResult there = AwaitImage(run); !there) return there;
       return MountNewSystem(run);
     }},
    {.name = "protected-volume",
     .checkpoint = {0x674, "create_protected_filesystems"},
     .operation = kProtectedVolume},
    {.name = "device-certificate", .checkpoint = {0xF10, "create_production_dcrt"}},
    {.name = "overprovisioning", .checkpoint = {0x65F, "reserve_overprov_space"}},
    {.name = "new-build", .checkpoint = {0x680, "read_new_os_build_version"}},
};

}  // namespace

std::span<const Step> ImageSteps() { return kImage; }
std::span<const Step> ImageAwaitedSteps() { return kAwaited; }

}  // namespace rack
