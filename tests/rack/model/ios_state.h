#pragma once
// What iOS keeps for its user and its hosts: all of it on the user partition, gone with an erase.

#include <map>
#include <string>

#include "tests/rack/wire/value.h"

namespace rack {

// A host the phone trusts, as it said so in its Pair request. Certificates are PEM.
struct Pairing {
  std::string host_id;
  std::string system_buid;
  std::string root_certificate;
  std::string host_certificate;
  std::string device_certificate;
  Bytes escrow_bag;
};

struct IosState {
  std::string
      device_key;  // lockdownd's RSA key, PEM; empty until somebody asks for its public half
  std::map<std::string, Pairing> pairings;  // by host id
  Value settings;                           // what hosts have set: domain -> key -> value
  double clock_offset = 0;                  // seconds its clock is ahead
  bool passcode = false;                    // one is set: a started phone is locked
  bool stashbag_created = false;            // the passcode was given for an update
  bool stashbag_committed = false;
};

[[nodiscard]] Value ToValue(const IosState& state);
[[nodiscard]] IosState IosStateFromValue(const Value& saved);

}  // namespace rack
