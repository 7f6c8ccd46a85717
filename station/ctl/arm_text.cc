#include "station/ctl/arm_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "station/base/enums.h"
#include "station/ctl/port_text.h"

namespace station::ctl {
namespace {

std::string LabelOf(const v1::ArmTarget& target) {
  return Printable(target.port_label().empty() ? target.port_key() : target.port_label());
}

std::string Before(const v1::ArmTarget& target) {
  if (const std::string os = OsText(target.phone()); !os.empty()) return os;
  const auto mode = static_cast<PhoneMode>(target.phone().mode());
  return mode == PhoneMode::kNone ? "unknown" : fmt::format("in {} mode", Words(Name(mode)));
}

std::string Reason(const v1::ArmTarget& target) {
  if (!target.what_to_do().empty()) return Printable(target.what_to_do());
  const auto code = ErrorCodeFromNumber(static_cast<std::uint32_t>(target.error_code()));
  return code && *code != ErrorCode::kNone ? std::string(OperatorLine(*code)) : "";
}

std::string Heading(v1::Action action, int count) {
  const bool one = count == 1;
  const std::string phones = one ? "This phone" : fmt::format("These {} phones", count);
  if (action == v1::ACTION_UPDATE) return phones + " will be UPDATED, data is kept:\n";
  return fmt::format("{} will be ERASED, everything on {} is lost:\n", phones, one ? "it" : "them");
}

std::string PortsOf(const v1::Arming& arming) {
  std::string text;
  for (const auto* list : {&arming.port_keys(), &arming.ecids(), &arming.serial_numbers()})
    for (const std::string& name : *list) text += (text.empty() ? "" : ", ") + Printable(name);
  return text;
}

}  // namespace

int WipeCount(const v1::PlanArmResponse& plan) {
  return static_cast<int>(std::ranges::count_if(plan.targets(), &v1::ArmTarget::will_wipe));
}

std::string RenderPlan(const v1::PlanArmResponse& plan, v1::Action action, const Awaited& awaited,
                       const Screen& screen) {
  const std::vector<Column> columns = {
      {"PORT", false, 4}, {"PHONE", false, 9}, {"ECID"}, {"NOW", false, 8}, {"THEN", false, 8}};
  std::vector<Row> wiped;
  std::vector<Row> spared;
  for (const v1::ArmTarget& target : plan.targets()) {
    Row row{{{LabelOf(target)},
             {ProductName(target.phone())},
             {EcidText(target.phone())},
             {Before(target)},
             {Printable(target.firmware_version())}},
            Reason(target)};
    (target.will_wipe() ? wiped : spared).push_back(std::move(row));
  }
  std::string text;
  if (!wiped.empty())
    text += Paint(screen, Color::kBad, Heading(action, static_cast<int>(wiped.size()))) +
            RenderTable(columns, wiped, "REMARK", screen);
  if (!spared.empty())
    text += (text.empty() ? "Not now:\n" : "\nNot now:\n") +
            RenderTable(columns, spared, "WHY", screen);
  std::string later;
  const char* taken = action == v1::ACTION_UPDATE ? "updated" : "wiped";
  for (const std::string& port : awaited.ports)
    later += fmt::format("{} is empty: the next phone plugged in there is {} too.\n",
                         Printable(port), taken);
  for (const std::string& phone : awaited.phones)
    later +=
        fmt::format("{} is not here: it is {} once it is plugged in.\n", Printable(phone), taken);
  if (!text.empty() && !later.empty()) text += "\n";
  text += later;
  return text.empty() ? "No phone there to be wiped.\n" : text;
}

std::string RenderFit(const v1::CartFit& fit) {
  // What a budget is called, and who has it to give.
  static constexpr std::array<std::array<std::string_view, 3>, 7> kBudgets = {{
      {"jobs", "the station restores no more at once (jobs.concurrency)", ""},
      {"bandwidth", "bandwidth", "controller"},
      {"endpoints", "USB endpoints", "controller"},
      {"hub_power", "phones fed at once", "hub"},
      {"hub_depth", "phones behind many hubs go one at a time", "controller"},
      {"usbmuxd", "connections to usbmuxd (budgets.mux_connections)", ""},
      {"signing", "requests at the signing server (budgets.signing_requests)", ""},
  }};
  if (fit.phones() == 0) return "";
  const auto minutes = std::max<std::int64_t>(1, (fit.time().seconds() + 30) / 60);
  const std::string time = fmt::format("about {} minute{}", minutes, minutes == 1 ? "" : "s");
  if (fit.waves() <= 1)
    return fmt::format("This cart fits at once: {} phone{}, {}.\n", fit.phones(),
                       fit.phones() == 1 ? "" : "s", time);
  std::string text = fmt::format("This cart fits {} at once, {} in {} waves, {}.\n", fit.at_once(),
                                 fit.phones(), fit.waves(), time);
  for (const auto& [name, what, whose] : kBudgets)
    if (fit.binds() == name)
      text += fmt::format(
          "No more at once because of: {}{}.\n", what,
          whose.empty() ? "" : fmt::format(" ({} {})", whose, Printable(fit.binds_of())));
  return text;
}

std::string RenderArmed(const v1::Arming& arming) {
  const std::string phones =
      arming.count() == 1 ? "1 phone" : fmt::format("{} phones", arming.count());
  return fmt::format(
      "Armed: {} ({}, until {}, {} s to change your mind).\nUndo: stationctl disarm {}\n",
      arming.id(), phones, ClockText(arming.expires_at().seconds()), arming.countdown().seconds(),
      arming.id());
}

std::string RenderArmings(const std::vector<v1::Arming>& armings, const Screen& screen) {
  if (armings.empty()) return "Nothing is armed.\n";
  std::vector<Row> rows;
  for (const v1::Arming& arming : armings) {
    rows.push_back(
        {{{std::to_string(arming.id())},
          {arming.active() ? "active" : "over", arming.active() ? Color::kWarn : Color::kDim},
          {Words(Name(static_cast<Action>(arming.action())))},
          {fmt::format("{}/{}", arming.used(), arming.count())},
          {DateText(arming.expires_at().seconds())},
          {Printable(arming.actor())},
          {PortsOf(arming)}},
         ""});
  }
  return RenderTable({{"ID", true},
                      {"STATE"},
                      {"ACTION"},
                      {"USED", true},
                      {"UNTIL"},
                      {"WHO", false, 4},
                      {"WHAT", false, 10}},
                     rows, "", screen);
}

std::vector<std::string> NotShown(const google::protobuf::RepeatedPtrField<v1::ArmTarget>& planned,
                                  const google::protobuf::RepeatedPtrField<v1::ArmTarget>& armed) {
  std::vector<std::string> surprises;
  for (const v1::ArmTarget& target : armed) {
    const bool shown = std::ranges::any_of(planned, [&](const v1::ArmTarget& other) {
      return other.will_wipe() && other.port_key() == target.port_key() &&
             other.phone().ecid() == target.phone().ecid();
    });
    if (target.will_wipe() && !shown) surprises.push_back(LabelOf(target));
  }
  return surprises;
}

}  // namespace station::ctl
