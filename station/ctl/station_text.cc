#include "station/ctl/station_text.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include "station/ctl/doctor.h"
#include "station/ctl/json.h"

namespace station::ctl {

std::string RenderStation(const v1::Station& station, const Screen& screen) {
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value, Color color = Color::kNone) {
    if (!value.empty()) text += Fit(name, 12) + Paint(screen, color, Printable(value)) + "\n";
  };
  line("station", fmt::format("{} (version {})", station.name(), station.version()));
  if (station.emergency_stop())
    line("STOPPED", "emergency stop is on; to go on: stationctl stop --release", Color::kBad);
  if (station.drain() != v1::DRAIN_OFF)
    line("DRAINED",
         std::string(station.drain() == v1::DRAIN_UPS ? "for want of power, nothing is written"
                                                      : "nothing new begins") +
             "; to go on: stationctl drain --off",
         Color::kWarn);
  const bool fewer = station.concurrency_limit() < station.configured_limit();
  line("working",
       fmt::format("{} of at most {}{}, {} waiting", station.working(), station.concurrency_limit(),
                   fewer ? " (more were slower together)" : "", station.queued()));
  line("usbmuxd", station.mux_connected() ? "connected" : "NOT CONNECTED: systemctl start usbmuxd",
       station.mux_connected() ? Color::kNone : Color::kBad);
  line("signing", station.signing_url());
  line("metrics", station.metrics_address());
  line("store", station.store_path());
  line("ledger", station.ledger_path());
  line("running",
       station.has_started_at() ? "since " + DateText(station.started_at().seconds()) : "");
  return text;
}

std::string RenderFindings(const std::vector<Finding>& findings, const Screen& screen) {
  const auto color = [](Health health) {
    switch (health) {
      case Health::kOk:
        return Color::kGood;
      case Health::kWarn:
        return Color::kWarn;
      case Health::kFail:
        return Color::kBad;
    }
    return Color::kNone;
  };
  std::vector<Row> rows;
  for (const Finding& finding : findings)
    rows.push_back({{{std::string(Name(finding.health)), color(finding.health)},
                     {Printable(finding.name)},
                     {Printable(finding.detail)}},
                    Printable(finding.what_to_do)});
  return RenderTable({{""}, {"CHECK", false, 10}, {"SEEN", false, 20}}, rows, "WHAT TO DO", screen);
}

std::string FindingsJson(const std::vector<Finding>& findings) {
  google::protobuf::Struct whole;
  auto& list = *(*whole.mutable_fields())["checks"].mutable_list_value();
  for (const Finding& finding : findings) {
    auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
    fields["result"].set_string_value(std::string(Name(finding.health)));
    fields["name"].set_string_value(finding.name);
    fields["detail"].set_string_value(finding.detail);
    fields["what_to_do"].set_string_value(finding.what_to_do);
  }
  return ToJson(whole) + "\n";
}

}  // namespace station::ctl
