// arm, disarm, armings.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <istream>
#include <ostream>

#include "station/base/ids.h"
#include "station/ctl/arm_text.h"
#include "station/ctl/command.h"
#include "station/ctl/port_text.h"

namespace station::ctl {
namespace {

struct ArmOptions {
  std::vector<std::string> ports;
  std::vector<std::string> ecids;
  std::vector<std::string> serial_numbers;
  bool all_present = false;
  std::string action = "erase";
  std::string firmware;
  std::int64_t expires_seconds = 0;     // 0: the station's default
  std::int64_t countdown_seconds = -1;  // negative: the station's default
  int count = 0;
  bool yes = false;
  bool dry_run = false;
};

// A decimal ECID without a mark would be read as hexadecimal: another phone.
Answer<std::string> CanonicalEcid(const std::string& text) {
  const auto ecid = ParseEcid(text);
  const bool marked = text.starts_with("0x") || text.starts_with("0X") ||
                      text.starts_with("dec:") ||
                      text.find_first_of("abcdefABCDEF") != std::string::npos;
  if (ecid && ecid->Known() && marked) return ToString(*ecid);
  return Refuse(ExitCode::kUsage, fmt::format("{} is not clearly an ECID", text),
                "Write 0x and hexadecimal digits, or dec: and a decimal number.");
}

// The request, and what the operator called the ports in it.
struct Draft {
  v1::ArmRequest request;
  Awaited awaited;
};

void Add(const v1::Port& port, Draft& draft) {
  draft.request.add_ports(port.key());
  if (port.state() == v1::PORT_STATE_EMPTY) draft.awaited.ports.push_back(PortName(port));
}

Answer<void> AddPorts(Client& client, const ArmOptions& options, Draft& draft) {
  for (const std::string& name : options.ports) {
    v1::GetPortRequest request;
    request.set_port(name);
    STATION_TRY(port, client.Call(client.Ports(), &PortsStub::GetPort, request));
    Add(port, draft);
  }
  if (!options.all_present) return {};
  STATION_TRY(all, client.Call(client.Ports(), &PortsStub::ListPorts, v1::ListPortsRequest()));
  for (const v1::Port& port : all.ports())
    if (port.state() != v1::PORT_STATE_EMPTY) Add(port, draft);
  if (draft.request.ports().empty())
    return Refuse(ExitCode::kOperator, "no phone is plugged in", "Plug the phones in, then arm.");
  return {};
}

Answer<Draft> MakeDraft(Client& client, const Invocation& invocation, const ArmOptions& options) {
  Draft draft;
  STATION_CHECK(AddPorts(client, options, draft));
  for (const std::string& text : options.ecids) {
    STATION_TRY(ecid, CanonicalEcid(text));
    draft.request.add_ecids(ecid);
  }
  for (const std::string& serial : options.serial_numbers) draft.request.add_serial_numbers(serial);
  draft.request.set_request_id(NewRequestId());
  draft.request.set_action(options.action == "update" ? v1::ACTION_UPDATE : v1::ACTION_ERASE);
  draft.request.set_firmware(options.firmware);
  draft.request.set_count(options.count);
  draft.request.set_actor(invocation.actor);
  if (options.expires_seconds > 0)
    draft.request.mutable_expires_in()->set_seconds(options.expires_seconds);
  if (options.countdown_seconds >= 0)
    draft.request.mutable_countdown()->set_seconds(options.countdown_seconds);
  return draft;
}

// The phones named that the plan does not show.
std::vector<std::string> NotHere(const v1::ArmRequest& request, const v1::PlanArmResponse& plan) {
  std::vector<std::string> absent;
  const auto shown = [&plan](const std::string& name) {
    return std::ranges::any_of(plan.targets(), [&](const v1::ArmTarget& target) {
      return target.phone().ecid() == name || target.phone().serial_number() == name;
    });
  };
  for (const auto* names : {&request.ecids(), &request.serial_numbers()})
    std::ranges::remove_copy_if(*names, std::back_inserter(absent), shown);
  return absent;
}

Answer<void> Confirm(Terminal& terminal, const ArmOptions& options, bool shown) {
  if (options.yes) return {};
  if (!terminal.in_is_terminal || !shown)
    return Refuse(ExitCode::kUsage, "nobody there to confirm",
                  "Add --yes to go on without a question.");
  terminal.notes << "Type wipe to go on: " << std::flush;
  std::string word;
  std::getline(terminal.in, word);
  if (word == "wipe") return {};
  return Refuse(ExitCode::kStopped, "not confirmed, nothing is armed", "");
}

Answer<ExitCode> Arm(const Invocation& invocation, Terminal& terminal, const ArmOptions& options) {
  if (options.ports.empty() && options.ecids.empty() && options.serial_numbers.empty() &&
      !options.all_present)
    return Refuse(ExitCode::kUsage, "say which phones",
                  "Name ports, or --ecid, --serial or --all-present.");
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(draft, MakeDraft(client, invocation, options));
  STATION_TRY(plan, client.Call(client.Jobs(), &JobsStub::PlanArm, draft.request));
  draft.awaited.phones = NotHere(draft.request, plan);
  if (invocation.json && options.dry_run) return PrintJson(terminal, plan);
  if (!invocation.json)
    terminal.out << RenderPlan(plan, draft.request.action(), draft.awaited, terminal.screen)
                 << RenderFit(plan.fit()) << std::flush;
  if (options.dry_run) return ExitCode::kOk;
  STATION_CHECK(Confirm(terminal, options, !invocation.json));
  STATION_TRY(armed, client.Call(client.Jobs(), &JobsStub::Arm, draft.request));
  if (const auto surprises = NotShown(plan.targets(), armed.targets()); !surprises.empty())
    terminal.notes << fmt::format(
        "Look: other phones than shown are armed now at {}. Undo: stationctl disarm {}\n",
        fmt::join(surprises, ", "), armed.arming().id());
  if (invocation.json) return PrintJson(terminal, armed);
  terminal.out << RenderArmed(armed.arming());
  return ExitCode::kOk;
}

// What arming would do, and how long that takes; without ports: every phone that is there.
Answer<ExitCode> Plan(const Invocation& invocation, Terminal& terminal, ArmOptions options) {
  options.all_present = options.ports.empty();
  options.dry_run = true;
  return Arm(invocation, terminal, options);
}

struct DisarmOptions {
  std::int64_t id = 0;
  bool all = false;
  std::vector<std::string> ports;
};

Answer<ExitCode> Disarm(const Invocation& invocation, Terminal& terminal,
                        const DisarmOptions& options) {
  if (options.id == 0 && !options.all && options.ports.empty())
    return Refuse(ExitCode::kUsage, "say what to disarm",
                  "An arming's id, --ports A1 A2, or --all.");
  STATION_TRY(client, invocation.Connect());
  v1::DisarmRequest request;
  request.set_request_id(NewRequestId());
  request.set_arming_id(options.id);
  for (const std::string& port : options.ports) request.add_ports(port);
  request.set_actor(invocation.actor);
  STATION_TRY(response, client.Call(client.Jobs(), &JobsStub::Disarm, request));
  if (invocation.json) return PrintJson(terminal, response);
  terminal.out << fmt::format("Disarmed: {}\n", response.disarmed());
  return ExitCode::kOk;
}

Answer<ExitCode> ListArmings(const Invocation& invocation, Terminal& terminal) {
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(response,
              client.Call(client.Jobs(), &JobsStub::ListArmings, v1::ListArmingsRequest()));
  if (invocation.json) return PrintJson(terminal, response);
  terminal.out << RenderArmings({response.armings().begin(), response.armings().end()},
                                terminal.screen);
  return ExitCode::kOk;
}

void DescribeArm(CLI::App& arm, ArmOptions& options) {
  const CLI::AsNumberWithUnit duration(
      std::map<std::string, std::int64_t>{{"s", 1}, {"m", 60}, {"h", 3600}},
      CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME");
  arm.add_option("ports", options.ports, "Ports whose phones may be wiped (label, path or key)");
  arm.add_option("--ecid", options.ecids, "Phones by ECID, wherever they are (0x... or dec:...)");
  arm.add_option("--serial", options.serial_numbers, "Phones by serial number");
  arm.add_flag("--all-present", options.all_present, "Every port with a phone in it now");
  arm.add_option("--action", options.action, "erase (default) or update")
      ->check(CLI::IsMember({"erase", "update"}));
  arm.add_option("--firmware", options.firmware,
                 "Beginning of its sha256 (default: the newest for each phone)");
  arm.add_option("--expires", options.expires_seconds, "How long it holds: 15m, 2h")
      ->transform(duration)
      ->check(CLI::PositiveNumber);
  arm.add_option("--count", options.count, "At most so many phones (default: as many as named)")
      ->check(CLI::Range(1, 10000));
  arm.add_option("--countdown", options.countdown_seconds, "Time to change your mind: 0s, 30s, 1m")
      ->transform(duration)
      ->check(CLI::NonNegativeNumber);
  arm.add_flag("--yes", options.yes, "Do not ask");
  arm.add_flag("--dry-run", options.dry_run, "Only show what would be wiped");
}

}  // namespace

void AddArmCommands(CLI::App& app, Invocation& invocation) {
  const auto arming = std::make_shared<ArmOptions>();  // outlives this function with the callback
  CLI::App* arm = app.add_subcommand("arm", "Allow phones to be wiped; shows them and asks first");
  DescribeArm(*arm, *arming);
  arm->callback([&invocation, arming] {
    invocation.run = [arming](const Invocation& run, Terminal& terminal) {
      return Arm(run, terminal, *arming);
    };
  });

  const auto planned = std::make_shared<ArmOptions>();
  CLI::App* plan = app.add_subcommand(
      "plan", "How a cart would go: how many at once, in how many waves, how long; wipes nothing");
  plan->add_option("ports", planned->ports, "Only these (default: every phone that is there)");
  plan->add_option("--action", planned->action, "erase (default) or update")
      ->check(CLI::IsMember({"erase", "update"}));
  plan->add_option("--firmware", planned->firmware, "Beginning of its sha256");
  plan->callback([&invocation, planned] {
    invocation.run = [planned](const Invocation& run, Terminal& terminal) {
      return Plan(run, terminal, *planned);
    };
  });

  const auto disarming = std::make_shared<DisarmOptions>();
  CLI::App* disarm = app.add_subcommand("disarm", "Take an arming back; work that began goes on");
  disarm->add_option("id", disarming->id, "The arming")->check(CLI::PositiveNumber);
  disarm->add_option("--ports", disarming->ports, "Only for these ports");
  disarm->add_flag("--all", disarming->all, "Every arming");
  disarm->callback([&invocation, disarming] {
    invocation.run = [disarming](const Invocation& run, Terminal& terminal) {
      return Disarm(run, terminal, *disarming);
    };
  });

  app.add_subcommand("armings", "What is armed, by whom, until when")->callback([&invocation] {
    invocation.run = ListArmings;
  });
}

}  // namespace station::ctl
