#pragma once
// What an arming would do and what it is, as text. Pure.

#include <string>
#include <vector>

#include "station/ctl/text.h"
#include "station/v1/station.pb.h"

namespace station::ctl {

// One line for each phone that will be wiped, then those that will not and why; `empty_ports` are
// named ports where nothing is plugged in: the next phone there is wiped.
[[nodiscard]] std::string RenderPlan(const v1::PlanArmResponse& plan, v1::Action action,
                                     const std::vector<std::string>& empty_ports,
                                     const Screen& screen);
[[nodiscard]] std::string RenderArmed(const v1::Arming& arming);
[[nodiscard]] std::string RenderArmings(const std::vector<v1::Arming>& armings,
                                        const Screen& screen);
[[nodiscard]] int WipeCount(const v1::PlanArmResponse& plan);
// Phones that `armed` wipes and `planned` did not show.
[[nodiscard]] std::vector<std::string> NotShown(
    const google::protobuf::RepeatedPtrField<v1::ArmTarget>& planned,
    const google::protobuf::RepeatedPtrField<v1::ArmTarget>& armed);

}  // namespace station::ctl
