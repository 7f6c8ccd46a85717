// First chapter: the host is looked at, the root ticket compared, the boot firmware written.

#include <set>
#include <vector>

#include "tests/rack/restore/chapters.h"
#include "tests/rack/restore/nor.h"

namespace rack {
namespace {

constexpr int kFlashFirmware = 18;
constexpr int kWaitForNand = 28;

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

std::vector<const Value*> ImagesIn(const Value& list) {
  std::vector<const Value*> images;
  if (list.AsArray() != nullptr)
    for (const Value& image : *list.AsArray()) images.push_back(&image);
  if (list.AsDict() != nullptr)
    for (const auto& [name, image] : *list.AsDict()) images.push_back(&image);
  return images;
}

// Fills in the types seen.
StepResult CheckNorList(const RestoreRun& run, const Value& list, std::set<std::string>& seen) {
  for (const Value* image : ImagesIn(list)) {
    std::string type;
    if (StepResult checked = CheckImage(run, image->AsBytes(), "NorImageData", AnyType(), &type);
        !checked)
      return checked;
    if (list.AsArray() != nullptr && seen.empty() && type != "ibot")
      return Refused(Reason::kNorData, "NorImageData begins with " + type + " instead of ibot");
    if (!seen.insert(type).second)
      return Refused(Reason::kNorData, type + " twice in NorImageData");
  }
  if (!seen.contains("ibot")) return Refused(Reason::kNorData, "NorImageData without iBoot");
  if (seen.contains("illb")) return Refused(Reason::kNorData, "LLB inside NorImageData");
  return {};
}

StepResult AskNorData(RestoreRun& run) {
  const auto answer = run.dialogue.Request("NORData");
  if (!answer) return std::unexpected(answer.error());
  if (StepResult llb = CheckImage(run, answer->Data("LlbImageData"), "LlbImageData", Only("illb"));
      !llb)
    return llb;
  const Value* list = answer->Find("NorImageData");
  if (list == nullptr) return Refused(Reason::kNorData, "no NorImageData");
  std::set<std::string> types;
  if (StepResult nor = CheckNorList(run, *list, types); !nor) return nor;
  types.insert("illb");
  for (const auto& [key, type] :
       {std::pair("RestoreSEPImageData", "rsep"), std::pair("SEPImageData", "sepi")})
    if (run.InTicket(type)) {
      if (StepResult sep = CheckImage(run, answer->Data(key), key, Only(type)); !sep) return sep;
      types.insert(type);
    }
  run.dialogue.Progress(kFlashFirmware, 50);
  return FlashNor(run.phone, run.attachment, run.ticket, types);
}

constexpr Step kSteps[] = {
    {.name = "host", .checkpoint = {0x655, "is_host_compatible"}},
    {.name = "root-ticket", .checkpoint = {0x60B, "update_ticket"}, .run = AskRootTicket},
    {.name = "storage", .checkpoint = {0x60D, "wait_for_storage"}, .operation = kWaitForNand},
    {.name = "nor-data", .checkpoint = {0x609, "load_sep_os"}, .run = AskNorData},
};

}  // namespace

std::span<const Step> TicketSteps() { return kSteps; }

}  // namespace rack
