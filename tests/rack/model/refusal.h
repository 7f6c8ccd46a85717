#pragma once
// Why a phone said no. Numbered for ever; `status` shows the name as last_error.

#include <cstdint>
#include <string>
#include <string_view>

namespace rack {

enum class Reason : std::uint16_t {
  kNone = 0,
  // 1xx: an image or its ticket
  kMalformed = 100,
  kChain = 101,
  kSignature = 102,
  kChip = 103,
  kBoard = 104,
  kEcid = 105,
  kDomain = 106,
  kNonce = 107,
  kSepNonce = 108,
  kType = 109,
  kDigest = 110,
  kOrder = 111,
  kMixedTickets = 112,
  kMode = 113,            // CEPO, CPRO, CSEC, EPRO, ESEC do not fit a production phone
  kForeignRamdisk = 114,  // the kernel starts nothing: no ramdisk that the rack knows
  kSendRefused = 115,     // the fault refuse-send
  kConstraints = 116,     // the leaf certificate may not sign this
  // 2xx: restore mode
  kRootTicket = 200,
  kAnswerMissing = 201,
  kNorData = 202,
  kAsrRange = 203,
  kAsrChecksum = 204,
  kAsrShort = 205,
  kImageDigest = 206,
  kHostGone = 207,
  kAsrInfo = 208,
  kFud = 209,
  kHostUnsupported = 210,
  kFdr = 211,
  kAssetKey = 212,
  kFault = 213,  // told to
  kBattery = 214,  // too low, and not charging
  // 22x: chips beside the application processor
  kUpdaterAnswer = 220,    // no firmware data, or not of the form asked for
  kUpdaterTicket = 221,    // the chip's ticket is missing, no ticket, or not of this root
  kUpdaterIdentity = 222,  // made for another chip
  kUpdaterNonce = 223,
  kUpdaterFirmware = 224,    // not the firmware the ticket is for
  kBasebandData = 225,       // a file is missing in BasebandData, or it is no zip
  kBasebandSignature = 226,  // the signer's blob is not at the end of its file
  kBasebandTicket = 227,
  // 3xx: normal mode and the cable
  kEnterRecovery = 300,
  kUnplugged = 301,
};

[[nodiscard]] std::string_view Name(Reason reason);

struct Refusal {
  Reason reason = Reason::kNone;
  std::string detail;
};

}  // namespace rack
