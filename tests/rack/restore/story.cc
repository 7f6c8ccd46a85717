#include "tests/rack/restore/story.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <set>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/restore/asr.h"

namespace rack {
namespace {

// Operation numbers of ProgressMsg.
enum Operation {
  kPartition = 11,
  kFilesystem = 12,
  kRestoreImage = 13,
  kVerifyRestore = 14,
  kFlashFirmware = 18,
  kInstallKernel = 27,
  kWaitForNand = 28,
  kFud = 36,
};

constexpr std::uint64_t kStatusGeneric = 14;
constexpr std::uint64_t kStatusSep = 51;
constexpr std::uint64_t kStatusVerification = ~0ULL;  // -1
constexpr std::chrono::milliseconds kFdrLinger{1000};
constexpr std::size_t kEffaceableKeySize = 32;

std::unexpected<Refusal> Refuse(Reason reason, std::string detail) {
  return std::unexpected(Refusal{reason, std::move(detail)});
}

std::uint64_t StatusFor(Reason reason) {
  switch (reason) {
    case Reason::kImageDigest:
    case Reason::kAsrChecksum:
    case Reason::kAsrRange:
    case Reason::kDigest:
      return kStatusVerification;
    case Reason::kSepNonce:
      return kStatusSep;
    default:
      return kStatusGeneric;  // NOLINT: every other reason is the generic failure
  }
}

}  // namespace

RestoreStory::RestoreStory(Phone& phone, Attachment& attachment, FdrControl& fdr,
                           Dialogue& dialogue)
    : phone_(phone),
      attachment_(attachment),
      fdr_(fdr),
      dialogue_(dialogue),
      boot_number_(phone.State().boot_number),
      boot_(phone.State().boot) {
  if (auto ticket = ReadTicket(boot_.ticket)) ticket_ = std::move(*ticket);
  if (const auto faults = phone.Faults(); faults.unplug_at_byte)
    replug_after_ = faults.replug_after;
}

bool RestoreStory::Run() {
  static constexpr StepEntry kSteps[] = {
      {"root ticket", &RestoreStory::AskRootTicket},
      {"nor data", &RestoreStory::AskNorData},
      {"fdr trust", &RestoreStory::AskFdrTrust},
      {"format", &RestoreStory::Format},
      {"system image", &RestoreStory::StreamImage},
      {"kernel cache", &RestoreStory::AskKernel},
      {"device tree", &RestoreStory::AskDeviceTree},
      {"root hash", &RestoreStory::AskRootHash},
      {"canonical metadata", &RestoreStory::AskCanonicalMetadata},
      {"fud", &RestoreStory::AskFud},
      {"finish", &RestoreStory::Finish},
  };
  for (const StepEntry& step : kSteps) {
    const Step done = (this->*step.run)();
    spdlog::info("phone={} restore_step=\"{}\" done={}", phone_.Spec().name, step.name,
                 done.has_value());
    if (done) continue;
    Fail(step.name, done.error());
    return false;  // and nothing more is said: another message would hide the failure from some
                   // hosts
  }
  dialogue_.FinalStatus(0, 0, "");
  (void)dialogue_.AwaitFinalAnswer();
  attachment_.Wait(kFdrLinger);
  fdr_.Close();
  return true;
}

void RestoreStory::Fail(const char* step, Refusal refusal) {
  if (attachment_.Ended()) refusal.reason = Reason::kUnplugged;
  refusal.detail = fmt::format("{}: {}", step, refusal.detail);
  phone_.Refuse(refusal);
  dialogue_.FinalStatus(StatusFor(refusal.reason), static_cast<std::uint16_t>(refusal.reason),
                        refusal.detail);
}

void RestoreStory::Leave(bool succeeded) {
  fdr_.Close();
  phone_.Ask(succeeded ? Event::kRestoreSucceeded : Event::kRestoreFailed, boot_number_);
  if (!succeeded && replug_after_)
    phone_.Ask(Phone::Wish{.kind = Phone::Wish::Kind::kPlugLater, .after = *replug_after_});
}

RestoreStory::Step RestoreStory::AskRootTicket() {
  dialogue_.Checkpoint(0x655, "is_host_compatible");
  dialogue_.Progress(kWaitForNand, 0);
  dialogue_.Checkpoint(0x60B, "update_ticket");
  const auto answer = dialogue_.Request("RootTicket");
  if (!answer) return std::unexpected(answer.error());
  const Bytes* ticket = answer->Data("RootTicketData");
  if (ticket == nullptr || Hash(HashKind::kSha384, *ticket) != boot_.ticket_hash)
    return Refuse(Reason::kRootTicket,
                  "the root ticket is not the one this ramdisk was booted with");
  return {};
}

RestoreStory::Step RestoreStory::CheckImage(const Bytes* img4, const std::string& what,
                                            const Verifier::TypeTest& accepts, std::string* type) {
  if (img4 == nullptr) return Refuse(Reason::kAnswerMissing, what + " is missing in the answer");
  const ChipIdentity chip = phone_.Chip();
  const auto image = Verifier(phone_.Root(), chip).CheckImage(*img4, accepts);
  if (!image) return Refuse(image.error().reason, what + ": " + image.error().detail);
  if (image->ticket_hash != boot_.ticket_hash)
    return Refuse(Reason::kMixedTickets, what + " came with another ticket than the ramdisk");
  if (type != nullptr) *type = image->type;
  return {};
}

RestoreStory::Step RestoreStory::CheckNorList(const Value& list) {
  std::set<std::string> seen;
  std::vector<const Value*> images;
  if (list.AsArray() != nullptr)
    for (const Value& image : *list.AsArray()) images.push_back(&image);
  if (list.AsDict() != nullptr)
    for (const auto& [name, image] : *list.AsDict()) images.push_back(&image);
  for (const Value* image : images) {
    std::string type;
    const Step checked = CheckImage(
        image->AsBytes(), "NorImageData", [](const std::string&) { return true; }, &type);
    if (!checked) return checked;
    if (list.AsArray() != nullptr && seen.empty() && type != "ibot")
      return Refuse(Reason::kNorData, "NorImageData begins with " + type + " instead of ibot");
    if (!seen.insert(type).second) return Refuse(Reason::kNorData, type + " twice in NorImageData");
  }
  if (!seen.contains("ibot")) return Refuse(Reason::kNorData, "NorImageData without iBoot");
  if (seen.contains("illb")) return Refuse(Reason::kNorData, "LLB inside NorImageData");
  return {};
}

RestoreStory::Step RestoreStory::AskNorData() {
  dialogue_.Checkpoint(0x609, "load_sep_os");
  const auto answer = dialogue_.Request("NORData");
  if (!answer) return std::unexpected(answer.error());
  if (Step llb = CheckImage(answer->Data("LlbImageData"), "LlbImageData", Only("illb")); !llb)
    return llb;
  const Value* list = answer->Find("NorImageData");
  if (list == nullptr) return Refuse(Reason::kNorData, "no NorImageData");
  if (Step nor = CheckNorList(*list); !nor) return nor;
  for (const auto& [key, type] :
       {std::pair("RestoreSEPImageData", "rsep"), std::pair("SEPImageData", "sepi")})
    if (InTicket(type))
      if (Step sep = CheckImage(answer->Data(key), key, Only(type)); !sep) return sep;
  dialogue_.Progress(kFlashFirmware, 50);
  return {};
}

RestoreStory::Step RestoreStory::AskFdrTrust() {
  dialogue_.Checkpoint(0x616, "fdr_create");
  const auto answer = dialogue_.Request("FDRTrustData");
  if (!answer) return std::unexpected(answer.error());
  fdr_.Ping();
  return {};
}

// The point of no return: from here on nothing boots but a further restore, and an erase has
// destroyed the key that wrapped the user's data.
RestoreStory::Step RestoreStory::Format() {
  dialogue_.Checkpoint(0x61F, "format_effaceable_storage");
  dialogue_.Progress(kPartition, 50);
  const bool erase = boot_.ramdisk && boot_.ramdisk->behaviour == "Erase";
  phone_.ChangeAndSave([&](PhoneState& state) {
    state.os_complete = false;
    state.os_image_digest.clear();
    if (!erase) return;
    state.user_data_present = false;
    state.effaceable_key = RandomBytes(kEffaceableKeySize);
    ++state.effaceable_generation;
  });
  dialogue_.Progress(kFilesystem, 100);
  return {};
}

RestoreStory::Step RestoreStory::StreamImage() {
  dialogue_.Checkpoint(0x65B, "restore_system_image");
  const auto rosi = ticket_.components.find("rosi");
  if (rosi == ticket_.components.end())
    return Refuse(Reason::kImageDigest, "the ticket signs no system image");
  AsrReceiver receiver(phone_, attachment_,
                       [this](int percent) { dialogue_.Progress(kRestoreImage, percent); });
  receiver.Listen();
  if (!dialogue_.Announce("SystemImageData"))
    return Refuse(Reason::kHostGone, "working connection closed");
  const auto image = receiver.Receive();
  if (!image) return std::unexpected(image.error());
  if (rosi->second.Octets("DGST") != image->digest)
    return Refuse(Reason::kImageDigest, "the system image is not the signed one");
  image_digest_ = station::ToHex(image->digest);
  dialogue_.Progress(kVerifyRestore, 100);
  return {};
}

RestoreStory::Step RestoreStory::AskImage(const std::string& data_type, const std::string& key,
                                          const std::string& four_cc) {
  const auto answer = dialogue_.Request(data_type);
  if (!answer) return std::unexpected(answer.error());
  return CheckImage(answer->Data(key), key, Only(four_cc));
}

RestoreStory::Step RestoreStory::AskKernel() {
  dialogue_.Checkpoint(0x628, "install_kernel_cache");
  dialogue_.Progress(kInstallKernel, 10);
  return AskImage("KernelCache", "KernelCacheFile", "krnl");
}

RestoreStory::Step RestoreStory::AskDeviceTree() {
  return AskImage("DeviceTree", "DeviceTreeFile", "dtre");
}

RestoreStory::Step RestoreStory::AskRootHash() {
  if (!InTicket("isys") || !dialogue_.Host().Data("SystemImageRootHash")) return {};
  return AskImage("SystemImageRootHash", "SystemImageRootHashFile", "isys");
}

RestoreStory::Step RestoreStory::AskCanonicalMetadata() {
  if (!InTicket("msys") || !dialogue_.Host().Data("SystemImageCanonicalMetadata")) return {};
  return AskImage("SystemImageCanonicalMetadata", "SystemImageCanonicalMetadataFile", "msys");
}

RestoreStory::Step RestoreStory::CheckFud(const Value& answer, const std::string& name) {
  if (answer.Text("ImageName") != name)
    return Refuse(Reason::kFud, "answer does not repeat ImageName " + name);
  return CheckImage(answer.Data("FUDImageData"), "FUDData " + name,
                    [](const std::string&) { return true; });
}

// The list, each by name, and all at once.
RestoreStory::Step RestoreStory::AskFud() {
  if (!phone_.Spec().ask_fud) return {};
  dialogue_.Progress(kFud, 10);
  const auto listed = dialogue_.Request("FUDData", Value::Dict{{"FUDImageList", true}});
  if (!listed) return std::unexpected(listed.error());
  const Value* names = listed->Find("FUDImageList");
  if (names == nullptr || names->AsArray() == nullptr)
    return Refuse(Reason::kFud, "no FUDImageList");
  for (const Value& name : *names->AsArray()) {
    if (name.AsText() == nullptr)
      return Refuse(Reason::kFud, "FUDImageList holds something else than names");
    const auto one = dialogue_.Request("FUDData", Value::Dict{{"ImageName", *name.AsText()}});
    if (!one) return std::unexpected(one.error());
    if (Step checked = CheckFud(*one, *name.AsText()); !checked) return checked;
  }
  const auto all = dialogue_.Request("FUDData");
  if (!all) return std::unexpected(all.error());
  const Value* images = all->Find("FUDImageData");
  if (images == nullptr || images->AsDict() == nullptr ||
      images->AsDict()->size() != names->AsArray()->size())
    return Refuse(Reason::kFud, "FUDImageData does not hold every listed image");
  for (const auto& [name, image] : *images->AsDict())
    if (Step checked =
            CheckImage(image.AsBytes(), "FUDData " + name, [](const std::string&) { return true; });
        !checked)
      return checked;
  return {};
}

RestoreStory::Step RestoreStory::Finish() {
  dialogue_.Progress(kFlashFirmware, 100);
  dialogue_.Checkpoint(0x63F, "set_boot_command");
  dialogue_.Checkpoint(0x648, "cleanup_send_final_status");
  phone_.ChangeAndSave([this](PhoneState& state) {
    state.os_build = boot_.ramdisk->build;
    state.os_version = boot_.ramdisk->version;
    state.os_image_digest = image_digest_;
    state.os_complete = true;
    state.nvram["auto-boot"] = "true";
    state.nvram.erase("boot-args");
    state.last_error = Refusal();
    ++state.restores_completed;
  });
  return {};
}

}  // namespace rack
