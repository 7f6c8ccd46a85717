#pragma once
// The chips beside the application processor, as data: which ones a phone has follows from the
// components that the firmware names for its board; what they say of themselves from the phone's
// ECID and, of nonces, from chance.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/rack/forge/marker.h"
#include "tests/rack/model/cart.h"

namespace rack {

// What the booted ramdisk says of this phone's board (forge/side_files.h).
struct BoardFacts {
  std::set<std::string> components;
  Value tags;     // chip ids and the like
  Value entries;  // components to what stands in their manifest entries

  [[nodiscard]] bool Names(std::string_view component) const {
    return components.contains(std::string(component));
  }
  // "0x73" and 115 alike.
  [[nodiscard]] std::optional<std::uint64_t> Tag(const std::string& key) const;
};
[[nodiscard]] BoardFacts FactsFor(const Marker& ramdisk, const Product& product);

// An updater, as FirmwareUpdaterData calls it. Yonkers goes by the name of Savage, whose place it
// took.
enum class Updater : std::uint8_t {
  kSe,
  kSavage,
  kYonkers,
  kRose,
  kVeridian,
  kTcon,
  kRetimer,
  kVinyl,
  kCentauri,
  kCryptex1,
};
[[nodiscard]] const char* Name(Updater updater);

// One chip, about to be updated.
struct Peripheral {
  Updater updater = Updater::kSe;
  std::string ticket;  // "SE,Ticket"
  std::string prefix;  // of its components and of its keys in a signing request
  Value info;          // MessageArgInfo
  Value identity;      // what a ticket has to repeat, by the keys of a signing request
  Value nonces;        // likewise; drawn anew for each of these objects
};
// The phone's chips for that updater; none when its board has none. More than one only of retimers.
[[nodiscard]] std::vector<Peripheral> PeripheralsFor(Updater updater, const PhoneSpec& spec,
                                                     const BoardFacts& facts);

// Which of Savage's or Yonkers' components are made for the chip of this phone.
[[nodiscard]] std::string PatchFor(Updater updater, const BoardFacts& facts);

struct Baseband {
  std::uint64_t chip = 0;
  std::uint64_t certificate = 0;  // CertID
  Bytes serial;                   // ChipSerialNo
};
inline constexpr std::size_t kBasebandNonceSize = 20;
// Without facts, only what is known of the product: in normal mode. Nothing for phones without one.
[[nodiscard]] std::optional<Baseband> BasebandOf(const PhoneSpec& spec,
                                                 const BoardFacts* facts = nullptr);
// FirmwarePreflightInfo of lockdownd.
[[nodiscard]] Value PreflightInfo(const Baseband& baseband, const Bytes& nonce);

}  // namespace rack
