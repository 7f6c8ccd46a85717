#pragma once
// lockdownd's own key, and what it asks of the certificates a host brings to pair.

#include <optional>
#include <string>

#include "tests/rack/model/phone.h"

namespace rack {

// The phone's RSA key as PEM, made when first asked for; it lives until an erase.
[[nodiscard]] std::string DeviceKey(Phone& phone);
// "RSA PUBLIC KEY", as GetValue DevicePublicKey answers it.
[[nodiscard]] std::string PublicPem(const std::string& key);

// Nothing when the record is as libimobiledevice makes it: three certificates, the phone's over the
// phone's key, both others signed by the root. Otherwise what is wrong with it.
[[nodiscard]] std::optional<std::string> FaultOf(const Pairing& pairing, const std::string& key);

}  // namespace rack
