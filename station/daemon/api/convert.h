#pragma once
// The daemon's plain structs as the API's messages, and back.

#include "station/daemon/cart/commands.h"
#include "station/daemon/cart/view.h"
#include "station/ledger/records.h"
#include "station/store/keeper/entry.h"
#include "station/v1/station.pb.h"

namespace station::daemon {

void ToProto(const ledger::PhoneFacts& phone, v1::Phone& message);
void ToProto(const PortView& port, v1::Port& message);
void ToProto(const ledger::JobRow& job, v1::Job& message);
void ToProto(const scheduler::Arming& arming, WallTime now, v1::Arming& message);
void ToProto(const ArmTarget& target, v1::ArmTarget& message);
void ToProto(const BlameRow& row, v1::Blame& message);
void ToProto(const scheduler::CartPlan& plan, v1::CartFit& message);
void ToProto(const store::Entry& entry, int leases, v1::Firmware& message);
void ToProto(ledger::UnixMillis time, google::protobuf::Timestamp& message);

// kBadRequest for a duration below 0 or beyond a year, or an action this version does not know.
[[nodiscard]] Result<Drain> FromProto(v1::Drain drain);
[[nodiscard]] Result<PortActSpec> FromProto(const v1::ActOnPortRequest& request);
[[nodiscard]] Result<TrySpec> FromProto(const v1::TryRequest& request);
[[nodiscard]] Result<ArmSpec> FromProto(const v1::ArmRequest& request);

}  // namespace station::daemon
