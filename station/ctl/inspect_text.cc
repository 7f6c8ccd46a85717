#include "station/ctl/inspect_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/struct.pb.h>

#include <map>
#include <set>

#include "station/ctl/json.h"
#include "station/firmware/component_places.h"

namespace station::ctl {
namespace {

using firmware::Chapter;
using firmware::Identity;
using firmware::Inspection;
using firmware::Part;

bool IsChosen(const Identity& identity, const std::optional<Inspection>& inspection) {
  return inspection && identity.Board() == inspection->board &&
         identity.Variant() == inspection->variant;
}

std::string RenderIdentities(const FirmwareFile& file, const std::optional<Inspection>& inspection,
                             const Screen& screen) {
  std::vector<Row> rows;
  for (const Identity& identity : file.manifest.Identities())
    rows.push_back({{{IsChosen(identity, inspection) ? ">" : " "},
                     {Printable(identity.Board())},
                     {fmt::format("{:04x}/{:02x}", identity.ChipId().value_or(0),
                                  identity.BoardId().value_or(0))},
                     {Printable(identity.Behaviour())},
                     {Printable(identity.Variant())}},
                    ""});
  return RenderTable({{" "}, {"BOARD"}, {"CHIP"}, {"DOES"}, {"VARIANT", false, 20}}, rows, "",
                     screen);
}

// The folders of an archive say little; a name says which board and stage.
std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string RenderChapter(const Inspection& inspection, Chapter chapter, const Screen& screen) {
  std::vector<Row> rows;
  for (const Part& part : inspection.parts) {
    if (part.chapter != chapter) continue;
    std::string size = part.size ? BytesText(*part.size) : "";
    if (part.deflated) size += " deflated";
    rows.push_back({{{Printable(part.component)},
                     {size},
                     {Printable(part.four_cc)},
                     {Printable(part.signed_by.empty() ? "nobody" : part.signed_by)},
                     {part.digest},
                     {Printable(part.use)},
                     {Printable(FileName(part.path))}},
                    ""});
  }
  if (rows.empty()) return "";
  const std::string table = RenderTable({{"COMPONENT"},
                                         {inspection.bytes ? "SIZE" : "", true},
                                         {"TYPE"},
                                         {"SIGNED BY"},
                                         {"DIGEST", false, 8},
                                         {"FOR", false, 8},
                                         {"FILE", false, 8}},
                                        rows, "", screen);
  return fmt::format("\n{}\n{}", firmware::Heading(chapter), table);
}

// Which modes the ticket is asked to allow, by the RestoreRequestRules.
std::string RenderModes(const Inspection& inspection) {
  std::map<std::string, std::set<std::string>> by_modes;
  for (const Part& part : inspection.parts)
    if (!part.modes.empty()) by_modes[part.modes].insert(part.component);
  std::string text;
  for (const auto& [modes, components] : by_modes) {
    const std::string who = components.size() > 3 && modes == firmware::kUsualModes
                                ? fmt::format("{} components", components.size())
                                : fmt::format("{}", fmt::join(components, ", "));
    text += Printable(fmt::format("Asked for with {}: {}", modes, who)) + "\n";
  }
  return text;
}

std::string RenderBytes(const Inspection& inspection) {
  if (!inspection.bytes) return "Sizes are not known from the manifest alone.\n";
  const firmware::Bytes& bytes = *inspection.bytes;
  std::string text = "On the station's disk: " + BytesText(bytes.archive);
  if (bytes.beside > 0)
    text += fmt::format(", and {} for the system image, which is deflated in it",
                        BytesText(bytes.beside));
  return text + fmt::format("\nTo each phone: {}; {} if it asks for everything\n",
                            BytesText(bytes.sent_always), BytesText(bytes.sent_at_most));
}

std::string RenderChoice(const Inspection& inspection, const Screen& screen) {
  std::string text = fmt::format("\n{}, {}: {}\n", Printable(inspection.board),
                                 Printable(inspection.behaviour), Printable(inspection.why));
  for (const Chapter chapter : firmware::kAllChapters)
    text += RenderChapter(inspection, chapter, screen);
  text += fmt::format("\nTickets: {}\n",
                      Printable(fmt::format("{}", fmt::join(inspection.tickets, ", "))));
  text += RenderModes(inspection);
  text += RenderBytes(inspection);
  for (const std::string& note : inspection.notes) text += "Note: " + Printable(note) + "\n";
  if (inspection.beyond.empty()) text += "Nothing in it is beyond this station.\n";
  for (const std::string& beyond : inspection.beyond)
    text += "Beyond this station: " + Printable(beyond) + "\n";
  return text;
}

// ---- JSON

using Object = google::protobuf::Struct;

void Put(Object& object, const std::string& key, const std::string& value) {
  (*object.mutable_fields())[key].set_string_value(value);
}
void Put(Object& object, const std::string& key, std::uint64_t value) {
  (*object.mutable_fields())[key].set_number_value(static_cast<double>(value));
}
void PutList(Object& object, const std::string& key, const std::vector<std::string>& values) {
  auto& list = *(*object.mutable_fields())[key].mutable_list_value();
  for (const std::string& value : values) list.add_values()->set_string_value(value);
}

Object ToObject(const Part& part) {
  Object object;
  Put(object, "chapter", std::string(firmware::Name(part.chapter)));
  Put(object, "component", part.component);
  Put(object, "path", part.path);
  Put(object, "type", part.four_cc);
  Put(object, "use", part.use);
  Put(object, "signed_by", part.signed_by);
  Put(object, "digest", part.digest);
  Put(object, "modes", part.modes);
  (*object.mutable_fields())["personalised"].set_bool_value(part.personalised);
  if (part.size) {
    Put(object, "size", *part.size);
    Put(object, "stored_size", *part.stored);
    (*object.mutable_fields())["deflated"].set_bool_value(part.deflated);
  }
  return object;
}

Object ToObject(const Inspection& inspection) {
  Object object;
  Put(object, "board", inspection.board);
  Put(object, "variant", inspection.variant);
  Put(object, "restore_behavior", inspection.behaviour);
  Put(object, "chip_id", inspection.chip_id);
  Put(object, "board_id", inspection.board_id);
  Put(object, "why", inspection.why);
  PutList(object, "tickets", inspection.tickets);
  PutList(object, "beyond", inspection.beyond);
  PutList(object, "notes", inspection.notes);
  auto& parts = *(*object.mutable_fields())["parts"].mutable_list_value();
  for (const Part& part : inspection.parts)
    *parts.add_values()->mutable_struct_value() = ToObject(part);
  if (inspection.bytes) {
    Object& bytes = *(*object.mutable_fields())["bytes"].mutable_struct_value();
    Put(bytes, "archive", inspection.bytes->archive);
    Put(bytes, "beside", inspection.bytes->beside);
    Put(bytes, "sent_always", inspection.bytes->sent_always);
    Put(bytes, "sent_at_most", inspection.bytes->sent_at_most);
  }
  return object;
}

Object ToObject(const Identity& identity) {
  Object object;
  Put(object, "board", identity.Board());
  Put(object, "chip_id", identity.ChipId().value_or(0));
  Put(object, "board_id", identity.BoardId().value_or(0));
  Put(object, "restore_behavior", identity.Behaviour());
  Put(object, "variant", identity.Variant());
  return object;
}

}  // namespace

std::string RenderInspection(const FirmwareFile& file, const std::optional<Inspection>& inspection,
                             const Screen& screen) {
  const firmware::BuildManifest& manifest = file.manifest;
  std::string text =
      Printable(fmt::format("{} ({}) for {}", manifest.ProductVersion(),
                            manifest.ProductBuildVersion(), fmt::join(manifest.Products(), " "))) +
      "\n\n" + RenderIdentities(file, inspection, screen);
  if (!inspection) return text + "\nIt is for several boards: choose one with --board.\n";
  return text + RenderChoice(*inspection, screen);
}

std::string InspectionJson(const FirmwareFile& file, const std::optional<Inspection>& inspection) {
  Object whole;
  Put(whole, "version", file.manifest.ProductVersion());
  Put(whole, "build", file.manifest.ProductBuildVersion());
  PutList(whole, "products", file.manifest.Products());
  auto& identities = *(*whole.mutable_fields())["identities"].mutable_list_value();
  for (const Identity& identity : file.manifest.Identities())
    *identities.add_values()->mutable_struct_value() = ToObject(identity);
  if (inspection)
    *(*whole.mutable_fields())["inspection"].mutable_struct_value() = ToObject(*inspection);
  return ToJson(whole) + "\n";
}

}  // namespace station::ctl
