#include "scheduler/port_table_text.h"

#include <algorithm>
#include <map>
#include <utility>

namespace station::scheduler {
namespace {

std::string Of(std::string_view text) { return std::string(text); }

void Append(std::string& list, const std::string& item) {
  list += (list.empty() ? "" : ", ") + item;
}

std::string Diagram(std::span<const Transition> table) {
  std::map<std::pair<PortState, PortState>, std::string> events;
  for (const Transition& row : table)
    if (row.from != row.to) Append(events[{row.from, row.to}], Of(Name(row.event)));
  std::string text = "```mermaid\nstateDiagram-v2\n  [*] --> empty\n";
  for (const auto& [way, names] : events)
    text += "  " + Of(station::Name(way.first)) + " --> " + Of(station::Name(way.second)) + ": " +
            names + "\n";
  return text + "```\n";
}

std::string AtMost(const StateDeadline& deadline) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(deadline.limit).count();
  return (hours == 0 ? "" : std::to_string(hours) + " h: ") + Of(deadline.why);
}

std::string Rows(std::span<const Transition> table, std::span<const StateDeadline> deadlines) {
  std::string text =
      "| state | at most | goes to | stays and does | stays, nothing to do |\n"
      "|---|---|---|---|---|\n";
  for (const PortState state : kAllPortStates) {
    std::string goes, does, stays;
    for (const Transition& row : table) {
      if (row.from != state) continue;
      const std::string event = Of(Name(row.event));
      const std::string action =
          row.action == PortAction::kNothing ? "" : " (" + Of(Name(row.action)) + ")";
      if (row.to != state)
        Append(goes, event + " -> " + Of(station::Name(row.to)) + action);
      else
        Append(action.empty() ? stays : does, event + action);
    }
    const auto deadline = std::ranges::find(deadlines, state, &StateDeadline::state);
    const std::string limit = deadline == deadlines.end() ? "" : AtMost(*deadline);
    text += "| " + Of(station::Name(state)) + " | " + limit + " | " + goes + " | " + does + " | " +
            stays + " |\n";
  }
  return text;
}

}  // namespace

std::string_view Name(PortAction action) {
  switch (action) {
    case PortAction::kNothing:
      return "nothing";
    case PortAction::kIdentify:
      return "ask who it is";
    case PortAction::kForget:
      return "forget";
    case PortAction::kConsiderArmings:
      return "look for an arming";
    case PortAction::kStartCountdown:
      return "count down";
    case PortAction::kStopCountdown:
      return "stop the countdown";
    case PortAction::kShowHold:
      return "say what is missing";
    case PortAction::kStoreTry:
      return "store the dry run";
    case PortAction::kCreateJob:
      return "make a job";
    case PortAction::kWithdrawJob:
      return "withdraw the job";
    case PortAction::kLosePhone:
      return "end the job: the phone left";
    case PortAction::kRunWorker:
      return "run a worker";
    case PortAction::kSendCancel:
      return "tell the worker";
    case PortAction::kEndJob:
      return "end the job";
    case PortAction::kQueueAgain:
      return "next attempt";
    case PortAction::kAwaitHands:
      return "wait for hands";
    case PortAction::kQueueBack:
      return "await its turn anew";
    case PortAction::kTakeBack:
      return "take its worker back";
  }
  return "unknown";
}

std::string AsMarkdown(std::span<const Transition> table,
                       std::span<const StateDeadline> deadlines) {
  return Diagram(table) + "\n" + Rows(table, deadlines);
}

}  // namespace station::scheduler
