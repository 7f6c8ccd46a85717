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
                     {entry.leases() > 0 ? std::to_string(entry.leases()) : ""},
                     {ProductsText(entry)}},
                    ""});
  return RenderTable(
      {{"VERSION"}, {"SIZE", true}, {"SHA-256"}, {"IN USE", true}, {"FOR", false, 10}}, rows, "",
      screen);
}

std::string RenderFirmwareAdded(const v1::Firmware& firmware) {
  return fmt::format("Added: {}, {}, for {}\nsha256 {}\n", VersionText(firmware),
                     BytesText(firmware.size()), ProductsText(firmware),
                     Printable(firmware.sha256()));
}

std::string RenderImport(std::uint64_t done, std::uint64_t total, double bytes_per_second,
                         const Screen& screen) {
  const double fraction = total == 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(total);
  const int bar = std::clamp(screen.width - 40, 12, 50);
  return fmt::format("{} {:>4}  {}  {}", BarText(fraction, bar), PercentText(fraction),
                     BytesText(done, total), SpeedText(bytes_per_second));
}

}  // namespace station::ctl
