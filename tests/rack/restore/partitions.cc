// Second chapter: factory data, the format that is the point of no return, and the system image.

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/restore/asr.h"
#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kPartition = 11;
constexpr int kFilesystem = 12;
constexpr int kRestoreImage = 13;
constexpr int kVerifyRestore = 14;

StepResult AskFdrTrust(RestoreRun& run) {
  const auto answer = run.dialogue.Request("FDRTrustData");
  if (!answer) return std::unexpected(answer.error());
  run.fdr.Ping();
  return {};
}

// The point of no return: from here on nothing boots but a further restore, and an erase has
// destroyed the key that wrapped the user's data.
StepResult Format(RestoreRun& run) {
  run.phone.ChangeAndSave([&](PhoneState& state) {
    state.os_complete = false;
    state.os_image_digest.clear();
    if (run.Erases()) state.DestroyUserData();
  });
  return {};
}

StepResult StreamImage(RestoreRun& run) {
  const auto rosi = run.ticket.components.find("rosi");
  if (rosi == run.ticket.components.end())
    return Refused(Reason::kImageDigest, "the ticket signs no system image");
  AsrReceiver receiver(run.phone, run.attachment,
                       [&run](int percent) { run.dialogue.Progress(kRestoreImage, percent); });
  receiver.Listen();
  if (!run.dialogue.Announce("SystemImageData"))
    return Refused(Reason::kHostGone, "working connection closed");
  const auto image = receiver.Receive();
  if (!image) return std::unexpected(image.error());
  if (rosi->second.Octets("DGST") != image->digest)
    return Refused(Reason::kImageDigest, "the system image is not the signed one");
  run.image_digest = station::ToHex(image->digest);
  run.dialogue.Progress(kVerifyRestore, 100);
  return {};
}

constexpr Step kSteps[] = {
    {.name = "fdr-trust", .checkpoint = {0x616, "fdr_create"}, .run = AskFdrTrust},
    {.name = "format",
     .checkpoint = {0x61F, "format_effaceable_storage"},
     .operation = kPartition,
     .run = Format},
    {.name = "format-media", .checkpoint = {0x658, "format_media"}, .operation = kFilesystem},
    {.name = "system-image", .checkpoint = {0x65B, "restore_system_image"}, .run = StreamImage},
};

}  // namespace

std::span<const Step> PartitionSteps() { return kSteps; }

}  // namespace rack
