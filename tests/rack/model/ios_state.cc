#include "tests/rack/model/ios_state.h"

namespace rack {
namespace {

Value ToValue(const Pairing& pairing) {
  return Value::Dict{{"HostID", pairing.host_id},
                     {"SystemBUID", pairing.system_buid},
                     {"RootCertificate", pairing.root_certificate},
                     {"HostCertificate", pairing.host_certificate},
                     {"DeviceCertificate", pairing.device_certificate},
                     {"EscrowBag", pairing.escrow_bag}};
}

Pairing PairingFromValue(const Value& saved) {
  Pairing pairing{
      saved.Text("HostID"),          saved.Text("SystemBUID"),        saved.Text("RootCertificate"),
      saved.Text("HostCertificate"), saved.Text("DeviceCertificate"), {}};
  if (const Bytes* bag = saved.Data("EscrowBag")) pairing.escrow_bag = *bag;
  return pairing;
}

}  // namespace

Value ToValue(const IosState& state) {
  Value::Array pairings;
  for (const auto& [id, pairing] : state.pairings) pairings.push_back(ToValue(pairing));
  return Value::Dict{{"DeviceKey", state.device_key},
                     {"Pairings", std::move(pairings)},
                     {"Settings", state.settings},
                     {"ClockOffset", state.clock_offset},
                     {"Passcode", state.passcode},
                     {"StashbagCreated", state.stashbag_created},
                     {"StashbagCommitted", state.stashbag_committed}};
}

IosState IosStateFromValue(const Value& saved) {
  IosState state;
  state.device_key = saved.Text("DeviceKey");
  if (const Value* pairings = saved.Find("Pairings"); pairings != nullptr && pairings->AsArray())
    for (const Value& one : *pairings->AsArray()) {
      Pairing pairing = PairingFromValue(one);
      state.pairings[pairing.host_id] = std::move(pairing);
    }
  if (const Value* settings = saved.Find("Settings")) state.settings = *settings;
  if (const Value* offset = saved.Find("ClockOffset"); offset != nullptr && offset->AsReal())
    state.clock_offset = *offset->AsReal();
  state.passcode = saved.Flag("Passcode");
  state.stashbag_created = saved.Flag("StashbagCreated");
  state.stashbag_committed = saved.Flag("StashbagCommitted");
  return state;
}

}  // namespace rack
