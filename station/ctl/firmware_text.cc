#include "station/ctl/firmware_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace station::ctl {
namespace {

// Enough of the digest to be told apart, and taken back by --firmware.
std::string ShortDigest(const v1::Firmware& firmware) {
  return Printable(firmware.sha256().substr(0, 12));
}

std::string VersionText(const v1::Firmware& firmware) {
  return Printable(fmt::format("{} ({})", firmware.version(), firmware.build()));
}

std::string ProductsText(const v1::Firmware& firmware) {
  return Printable(fmt::format("{}", fmt::join(firmware.products(), " ")));
}

}  // namespace

std::string RenderFirmwareList(const std::vector<v1::Firmware>& firmware, const Screen& screen) {
  if (firmware.empty()) return "No firmware yet: stationctl firmware add FILE.ipsw\n";
  std::vector<Row> rows;
  for (const v1::Firmware& entry : firmware)
    rows.push_back({{{VersionText(entry)},
                     {BytesText(entry.size())},
                     {ShortDigest(entry)},
                     {entry.pinned() ? "yes" : ""},
                     {entry.leases() > 0 ? std::to_string(entry.leases()) : ""},
                     {ProductsText(entry)}},
                    ""});
  return RenderTable(
      {{"VERSION"}, {"SIZE", true}, {"SHA-256"}, {"PINNED"}, {"IN USE", true}, {"FOR", false, 10}},
      rows, "", screen);
}

std::string RenderFirmwareAdded(const v1::Firmware& firmware) {
  return fmt::format("Added: {}, {}, for {}\nsha256 {}\n", VersionText(firmware),
                     BytesText(firmware.size()), ProductsText(firmware),
                     Printable(firmware.sha256()));
}

std::string RenderFirmwareLine(const std::string& done, const v1::Firmware& firmware) {
  return fmt::format("{}: {}, {}\n", done, VersionText(firmware), ShortDigest(firmware));
}

std::string RenderCleared(const v1::ClearStoreResponse& cleared, bool dry_run,
                          const Screen& screen) {
  if (cleared.items().empty()) return "Nothing to clear.\n";
  std::vector<Row> rows;
  std::uint64_t bytes = 0;
  for (const auto& item : cleared.items()) {
    rows.push_back({{{Printable(item.what())},
                     {BytesText(item.bytes())},
                     {Printable(item.name().substr(0, 12))}},
                    ""});
    bytes += item.bytes();
  }
  return RenderTable({{"WHAT"}, {"SIZE", true}, {"NAME"}}, rows, "", screen) +
         fmt::format("{} {}\n", BytesText(bytes), dry_run ? "would be freed" : "freed");
}

namespace {

std::string NewestText(const v1::PlannedFirmware& planned) {
  if (planned.newest_build().empty()) return "not known";
  return Printable(fmt::format("{} ({}){}", planned.newest_version(), planned.newest_build(),
                               planned.newest_signed() ? "" : ", not asked if signed"));
}

}  // namespace

std::string RenderFirmwarePlan(const v1::PlanFirmwareResponse& plan, const Screen& screen) {
  if (plan.models().empty()) return "No phone is plugged in.\n";
  std::vector<Row> rows;
  std::uint64_t bytes = 0;
  for (const v1::PlannedFirmware& planned : plan.models()) {
    rows.push_back(
        {{{Printable(planned.product_name().empty() ? planned.product() : planned.product_name())},
          {std::to_string(planned.phones())},
          {planned.has_stored() ? VersionText(planned.stored()) : "-"},
          {NewestText(planned)},
          {planned.bytes_to_fetch() == 0 ? "" : BytesText(planned.bytes_to_fetch())}},
         Printable(planned.what_to_do())});
    bytes += planned.bytes_to_fetch();
  }
  std::string text = RenderTable(
      {{"MODEL"}, {"PHONES", true}, {"IN THE STORE"}, {"NEWEST SIGNED"}, {"TO FETCH", true}}, rows,
      "", screen);
  if (!plan.catalogues_asked())
    text += "No catalogue is configured (firmware: in the station's configuration).\n";
  return text + fmt::format("At most {} to fetch, {} free\n", BytesText(bytes),
                            BytesText(plan.bytes_free()));
}

std::string RenderImport(const v1::AddFirmwareResponse& response, const Screen& screen) {
  const std::uint64_t done = response.bytes_done();
  const std::uint64_t total = response.bytes_total();
  const double fraction = total == 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(total);
  const int bar = std::clamp(screen.width - 50, 12, 50);
  std::string line = fmt::format("{} {:>4}  {}  {}", BarText(fraction, bar), PercentText(fraction),
                                 BytesText(done, total), SpeedText(response.bytes_per_second()));
  if (response.has_eta())
    line += fmt::format("  {} left", TimeText(std::chrono::seconds(response.eta().seconds())));
  return line;
}

}  // namespace station::ctl
