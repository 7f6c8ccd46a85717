// status, doctor.

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include "station/ctl/command.h"
#include "station/ctl/doctor.h"
#include "station/ctl/json.h"
#include "station/ctl/station_text.h"

namespace station::ctl {
namespace {

Answer<v1::Station> GetStation(Client& client, std::chrono::seconds limit) {
  return client.Call(client.StationInfo(), &StationInfoStub::GetStation, v1::GetStationRequest(),
                     limit);
}

Answer<ExitCode> Status(const Invocation& invocation, Terminal& terminal) {
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(station, GetStation(client, std::chrono::seconds(30)));
  if (invocation.json) return PrintJson(terminal, station);
  terminal.out << RenderStation(station, terminal.screen);
  return ExitCode::kOk;
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The proxy the signing client would take, as libcurl picks it.
std::string ProxyFor(const std::string& url) {
  if (url.starts_with("http://127.") || url.starts_with("http://localhost")) return "";
  const bool tls = url.starts_with("https://");
  if (std::string proxy = Environment(tls ? "https_proxy" : "http_proxy"); !proxy.empty())
    return proxy;
  return tls ? Environment("HTTPS_PROXY") : "";
}

std::vector<Finding> CheckStation(const Invocation& invocation) {
  auto client = invocation.Connect();
  auto station = client ? GetStation(*client, std::chrono::seconds(5))
                        : Answer<v1::Station>(std::unexpected(client.error()));
  if (!station)
    return {{Health::kFail, "station", station.error().context, station.error().what_to_do}};
  std::vector<Finding> findings = {
      {Health::kOk, "station", fmt::format("{} {} answers", station->name(), station->version()),
       ""}};
  if (station->emergency_stop())
    findings.push_back({Health::kWarn, "emergency stop", "on: nothing is wiped",
                        "When it is safe: stationctl stop --release."});
  if (!station->mux_connected())
    findings.push_back({Health::kFail, "station", "it has no connection to usbmuxd",
                        "Start usbmuxd: systemctl start usbmuxd."});
  findings.push_back(CheckDisk(station->store_path()));
  findings.push_back(CheckReachable("signing", station->signing_url(),
                                    ProxyFor(station->signing_url()), std::chrono::seconds(3)));
  return findings;
}

Answer<ExitCode> Doctor(const Invocation& invocation, Terminal& terminal) {
  std::vector<Finding> findings = {CheckUdevRules({"/etc/udev/rules.d", "/run/udev/rules.d",
                                                   "/usr/lib/udev/rules.d", "/lib/udev/rules.d"}),
                                   CheckClock()};
  const std::string mux = Environment("USBMUXD_SOCKET_ADDRESS");
  const auto mux_devices = ListMuxDevices(mux);
  findings.push_back(CheckMux(mux_devices, mux, mux.empty() ? InstalledMuxVersion() : ""));
  const auto add = [&findings](std::vector<Finding> more) {
    std::ranges::move(more, std::back_inserter(findings));
  };
  const std::vector<UsbDevice> devices = ReadUsb("/sys");
  add(CheckPhones(devices, mux_devices ? &*mux_devices : nullptr));
  add(CheckControllers(devices));
  add(CheckStation(invocation));
  terminal.out << (invocation.json ? FindingsJson(findings)
                                   : RenderFindings(findings, terminal.screen));
  const bool failed = std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.health == Health::kFail; });
  return failed ? ExitCode::kOperator : ExitCode::kOk;
}

}  // namespace

void AddStationCommands(CLI::App& app, Invocation& invocation) {
  app.add_subcommand("status", "The station itself: load, addresses, emergency stop")
      ->callback([&invocation] { invocation.run = Status; });
  app.add_subcommand("doctor", "Look for what commonly goes wrong, and what to do about it")
      ->callback([&invocation] { invocation.run = Doctor; });
}

}  // namespace station::ctl
