#include "station/firmware/inspection.h"

#include <algorithm>
#include <functional>
#include <set>

#include "station/firmware/boot_order.h"
#include "station/firmware/component_places.h"

namespace station::firmware {
namespace {

constexpr std::uint64_t kAsrChunk = 131072;  // bytes, each followed by a digest
constexpr std::uint64_t kAsrDigest = 20;

Chapter ChapterOf(BootStage stage) {
  switch (stage) {
    case BootStage::kRom:
      return Chapter::kRom;
    case BootStage::kIboot:
      return Chapter::kIboot;
    case BootStage::kIbec:
      return Chapter::kIbec;
  }
  return Chapter::kUnused;
}

class Inspector {
 public:
  Inspector(const BuildManifest& manifest, const Identity& identity, const ZipDirectory* members)
      : manifest_(manifest), identity_(identity), members_(members) {}

  Inspection Run(std::uint64_t archive_size) {
    Describe();
    PlaceAll();
    FindTickets();
    FindBeyond();
    if (members_ != nullptr) Count(archive_size);
    return std::move(found_);
  }

 private:
  void Describe() {
    found_.board = identity_.Board();
    found_.variant = identity_.Variant();
    found_.behaviour = identity_.Behaviour();
    found_.chip_id = identity_.ChipId().value_or(0);
    found_.board_id = identity_.BoardId().value_or(0);
    found_.why = "the only one of " + std::to_string(manifest_.Identities().size()) +
                 " for board " + found_.board + " with RestoreBehavior " + found_.behaviour +
                 " and without Research";
  }

  Part Make(Chapter chapter, const Component& component, std::string use) {
    Part part;
    part.chapter = chapter;
    part.component = component.Name();
    part.path = component.Path().value_or("");
    part.use = std::move(use);
    part.signed_by = SignerOf(component);
    if (part.signed_by == kApSigner) {
      part.four_cc = component.FourCc().value_or("");
      part.modes = ModesOf(component);
      part.personalised =
          !part.path.empty() && component.Info()["Personalize"].Bool().value_or(true);
    }
    part.digest = DigestKindOf(component);
    const ZipMember* member =
        members_ == nullptr || part.path.empty() ? nullptr : members_->Find(part.path);
    if (member != nullptr) {
      part.size = member->size;
      part.stored = member->compressed_size;
      part.deflated = member->method == ZipMethod::kDeflated;
    }
    return part;
  }

  void PlaceAll() {
    std::set<std::string> placed;
    const auto place = [&](Chapter chapter, const Component& component, std::string use) {
      placed.insert(component.Name());
      found_.parts.push_back(Make(chapter, component, std::move(use)));
    };
    if (const auto order = BootOrder(identity_)) {
      for (const BootItem& item : *order)
        if (const auto component = identity_.Find(item.component))
          place(ChapterOf(item.stage), *component, item.use);
    } else {
      found_.beyond.push_back(order.error().context);
    }
    for (const Component& component : identity_.Components())
      for (const Place& row : Places())
        if (row.holds(component)) place(row.chapter, component, std::string(row.use));
    for (const Component& component : identity_.Components()) {
      if (placed.contains(component.Name())) continue;
      const bool only_signed = !component.Path() && component.Trusted();
      found_.parts.push_back(
          Make(only_signed ? Chapter::kTicketOnly : Chapter::kUnused, component, ""));
    }
    std::ranges::stable_sort(found_.parts, {}, &Part::chapter);
  }

  void FindTickets() {
    for (const Part& part : found_.parts)
      if (!part.signed_by.empty() &&
          std::ranges::find(found_.tickets, part.signed_by) == found_.tickets.end())
        found_.tickets.push_back(part.signed_by);
    std::ranges::stable_partition(found_.tickets,
                                  [](const std::string& ticket) { return ticket == kApSigner; });
  }

  void FindBeyond() {
    const auto beyond = [this](std::string text) { found_.beyond.push_back(std::move(text)); };
    for (const char* name : {"OS", "LLB", "KernelCache", "DeviceTree"})
      if (!identity_.Has(name))
        beyond(std::string("no ") + name + ": a phone cannot be restored without it");
    if (!identity_.Has("iBSS")) beyond("no iBSS: a phone in DFU mode cannot be restored with it");
    for (const Part& part : found_.parts) {
      if (part.personalised && part.four_cc.empty())
        beyond(part.component + ": its place in the ticket (four-cc) is not known");
      if (members_ != nullptr && !part.path.empty() && !part.size)
        beyond(part.component + ": " + part.path + " is not in the archive");
    }
    for (const Limit& limit : Limits())
      if (limit.applies(identity_))
        (limit.beyond ? found_.beyond : found_.notes).emplace_back(limit.text);
    for (const std::string& ticket : found_.tickets)
      if (!IsKnownSigner(ticket))
        found_.notes.push_back(ticket +
                               ": not known by name; served if the phone brings its own request");
    if (members_ != nullptr && members_->Find("BuildManifesto.plist") != nullptr)
      beyond("an unpersonalised firmware of old (BuildManifesto.plist)");
    std::set<std::string> once;
    std::erase_if(found_.beyond,
                  [&](const std::string& text) { return !once.insert(text).second; });
  }

  void Count(std::uint64_t archive_size) {
    Bytes bytes;
    bytes.archive = archive_size;
    std::set<std::string> asked_for;
    for (const Part& part : found_.parts) {
      if (!part.size || part.chapter == Chapter::kTicketOnly || part.chapter == Chapter::kUnused)
        continue;
      std::uint64_t sent = *part.size;
      if (part.chapter == Chapter::kImage) {
        sent += (sent + kAsrChunk - 1) / kAsrChunk * kAsrDigest;
        if (part.deflated) bytes.beside = *part.size;
      }
      const bool always = SentAlways(part.chapter);
      if (always) bytes.sent_always += sent;
      if (always || asked_for.insert(part.path).second) bytes.sent_at_most += sent;
    }
    found_.bytes = bytes;
  }

  const BuildManifest& manifest_;
  const Identity& identity_;
  const ZipDirectory* members_;
  Inspection found_;
};

}  // namespace

Result<Inspection> Inspect(const BuildManifest& manifest, std::string_view board, Action action,
                           const ZipDirectory* members, std::uint64_t archive_size) {
  STATION_TRY(identity, manifest.Choose(board, action));
  return Inspector(manifest, identity, members).Run(archive_size);
}

bool SentAlways(Chapter chapter) {
  switch (chapter) {
    case Chapter::kIboot:
    case Chapter::kIbec:
    case Chapter::kFlash:
    case Chapter::kImage:
    case Chapter::kInstall:
      return true;
    case Chapter::kRom:
    case Chapter::kCryptex:
    case Chapter::kOnRequest:
    case Chapter::kChips:
    case Chapter::kTicketOnly:
    case Chapter::kUnused:
      return false;
  }
  return false;
}

std::string_view Name(Chapter chapter) {
  switch (chapter) {
    case Chapter::kRom:
      return "rom";
    case Chapter::kIboot:
      return "iboot";
    case Chapter::kIbec:
      return "ibec";
    case Chapter::kFlash:
      return "flash";
    case Chapter::kImage:
      return "image";
    case Chapter::kInstall:
      return "install";
    case Chapter::kCryptex:
      return "cryptex";
    case Chapter::kOnRequest:
      return "on_request";
    case Chapter::kChips:
      return "chips";
    case Chapter::kTicketOnly:
      return "ticket_only";
    case Chapter::kUnused:
      return "unused";
  }
  return "unknown";
}

std::string_view Heading(Chapter chapter) {
  switch (chapter) {
    case Chapter::kRom:
      return "In DFU mode, over USB control transfers";
    case Chapter::kIboot:
      return "In recovery mode (or to iBSS)";
    case Chapter::kIbec:
      return "To iBEC, up to the restore OS";
    case Chapter::kFlash:
      return "Boot firmware, in one answer";
    case Chapter::kImage:
      return "The system image, streamed";
    case Chapter::kInstall:
      return "To be installed beside it";
    case Chapter::kCryptex:
      return "The split system (cryptexes), when asked for";
    case Chapter::kOnRequest:
      return "Coprocessors, when asked for";
    case Chapter::kChips:
      return "Chips with tickets of their own, when asked for";
    case Chapter::kTicketOnly:
      return "In the ticket only";
    case Chapter::kUnused:
      return "Not used";
  }
  return "unknown";
}

}  // namespace station::firmware
