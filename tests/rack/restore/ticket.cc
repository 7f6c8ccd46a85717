// The root ticket is compared with the one in force, and the boot firmware written.

#include <set>
#include <vector>

#include "tests/rack/image4/components.h"
#include "tests/rack/restore/chapters.h"
#include "tests/rack/restore/charge.h"
#include "tests/rack/restore/nor.h"

namespace rack {
namespace {

constexpr int kCheckFilesystems = 15;
constexpr int kFlashFirmware = 18;
constexpr int kWaitForNand = 28;
constexpr int kUpdateNand = 58;
constexpr int kFirstWithNamedList = 16;  // iOS

StepResult AskRootTicket(RestoreRun& run) {
  const auto answer = run.dialogue.Request("RootTicket");
  if (!answer) return std::unexpected(answer.error());
  const Bytes* ticket = answer->Data("RootTicketData");
  if (ticket == nullptr ||
      TicketHash(*ticket, run.phone.Spec().product.generation) != run.boot.ticket_hash)
    return Refused(Reason::kRootTicket,
                   "the root ticket is not the one this ramdisk was booted with");
  return {};
}

// An image of the list, and what the host calls it; empty in a list without names.
struct NorImage {
  std::string name;
  const Value* image;
};

std::vector<NorImage> ImagesIn(const Value& list) {
  std::vector<NorImage> images;
  if (list.AsArray() != nullptr)
    for (const Value& image : *list.AsArray()) images.push_back({"", &image});
  if (list.AsDict() != nullptr)
    for (const auto& [name, image] : *list.AsDict()) images.push_back({name, &image});
  return images;
}

// Fills in the types seen.
StepResult CheckNorList(const RestoreRun& run, const Value& list, std::set<std::string>& seen) {
  for (const auto& [name, image] : ImagesIn(list)) {
    std::string type;
    const std::string what = name.empty() ? "NorImageData" : "NorImageData " + name;
    if (StepResult checked = CheckImage(run, image->AsBytes(), what, AnyType(), &type); !checked)
      return checked;
    if (const std::string named = TicketName(name); !named.empty() && named != type)
      return Refused(Reason::kNorData, what + " is " + type + " instead of " + named);
    if (list.AsArray() != nullptr && seen.empty() && type != "ibot")
      return Refused(Reason::kNorData, "NorImageData begins with " + type + " instead of ibot");
    if (!seen.insert(type).second)
      return Refused(Reason::kNorData, type + " twice in NorImageData");
  }
  if (!seen.contains("ibot")) return Refused(Reason::kNorData, "NorImageData without iBoot");
  if (seen.contains("illb")) return Refused(Reason::kNorData, "LLB inside NorImageData");
  return {};
}

// The list by name, from firmware on that wants it so and from hosts that can; else in order.
bool WantsNames(const RestoreRun& run) {
  return run.os >= kFirstWithNamedList && run.Host().modern;
}

StepResult CheckNorAnswer(const RestoreRun& run, const Value& answer,
                          std::set<std::string>& types) {
  if (StepResult llb = CheckImage(run, answer.Data("LlbImageData"), "LlbImageData", Only("illb"));
      !llb)
    return llb;
  const Value* list = answer.Find("NorImageData");
  if (list == nullptr || (WantsNames(run) ? list->AsDict() == nullptr : list->AsArray() == nullptr))
    return Refused(Reason::kNorData,
                   WantsNames(run) ? "no NorImageData by name" : "no list NorImageData");
  if (StepResult nor = CheckNorList(run, *list, types); !nor) return nor;
  types.insert("illb");
  for (const auto& [key, type] :
       {std::pair("RestoreSEPImageData", "rsep"), std::pair("SEPImageData", "sepi")})
    if (run.InTicket(type)) {
      if (StepResult sep = CheckImage(run, answer.Data(key), key, Only(type)); !sep) return sep;
      types.insert(type);
    }
  return {};
}

StepResult AskNorData(RestoreRun& run) {
  Value arguments = Value::Dict{};
  if (WantsNames(run)) arguments.Set("FlashVersion1", true);
  const auto answer = run.dialogue.Request("NORData", std::move(arguments));
  if (!answer) return std::unexpected(answer.error());
  std::set<std::string> types;
  if (StepResult checked = CheckNorAnswer(run, *answer, types); !checked) return checked;
  run.dialogue.Progress(kFlashFirmware, 50);
  return FlashNor(run.phone, run.attachment, run.ticket, types);
}

constexpr Step kSteps[] = {
    {.name = "charge", .asked = BatteryIsLow, .run = WaitForCharge},
    {.name = "root-ticket",
     .checkpoint = {0x60B, "update_ticket"},
     .data_type = "RootTicket",
     .run = AskRootTicket},
    {.name = "storage", .checkpoint = {0x60D, "wait_for_storage"}, .operation = kWaitForNand},
    {.name = "nand-firmware",
     .checkpoint = {0x60E, "update_NAND_firmware"},
     .operation = kUpdateNand},
    {.name = "remap", .checkpoint = {0x60F, "clear_remap_variable"}},
    {.name = "nvram", .checkpoint = {0x65C, "print_nvram_variables"}},
    {.name = "nand-writable", .checkpoint = {0x610, "asp_nand_set_writable"}},
    {.name = "nor-data",
     .checkpoint = {0x609, "load_sep_os"},
     .operation = kFlashFirmware,
     .data_type = "NORData",
     .run = AskNorData,
     .status = kSepFailure},
    {.name = "fsck-keys", .checkpoint = {0x693, "preload_keys_for_fsck"}},
    {.name = "fsck", .checkpoint = {0x665, "fsck_filesystems"}, .operation = kCheckFilesystems},
};

}  // namespace

std::span<const Step> TicketSteps() { return kSteps; }

}  // namespace rack
