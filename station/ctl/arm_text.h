#pragma once
// What an arming would do and what it is, as text. Pure.

#include <string>
#include <vector>

#include "station/ctl/text.h"
#include "station/v1/station.pb.h"

namespace station::ctl {

// What an operator named that holds no phone now; the arming takes the phone once it is there.
struct Awaited {
  std::vector<std::string> ports;   // as they are called
  std::vector<std::string> phones;  // ECIDs and serial numbers
};
// One line for each phone that will be wiped, then those that will not and why, then what is
// awaited.
[[nodiscard]] std::string RenderPlan(const v1::PlanArmResponse& plan, v1::Action action,
                                     const Awaited& awaited, const Screen& screen);
// "24 phones at once, 30 in 2 waves, about 14 minutes", and what allows no more; empty without
// phones.
[[nodiscard]] std::string RenderFit(const v1::CartFit& fit);
[[nodiscard]] std::string RenderArmed(const v1::Arming& arming);
[[nodiscard]] std::string RenderArmings(const std::vector<v1::Arming>& armings,
                                        const Screen& screen);
[[nodiscard]] int WipeCount(const v1::PlanArmResponse& plan);
// Phones that `armed` wipes and `planned` did not show.
[[nodiscard]] std::vector<std::string> NotShown(
    const google::protobuf::RepeatedPtrField<v1::ArmTarget>& planned,
    const google::protobuf::RepeatedPtrField<v1::ArmTarget>& armed);

}  // namespace station::ctl
