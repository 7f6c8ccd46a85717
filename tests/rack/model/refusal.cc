#include "tests/rack/model/refusal.h"

namespace rack {

std::string_view Name(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kMalformed:
      return "refused_malformed";
    case Reason::kChain:
      return "refused_chain";
    case Reason::kSignature:
      return "refused_signature";
    case Reason::kChip:
      return "refused_chip";
    case Reason::kBoard:
      return "refused_board";
    case Reason::kEcid:
      return "refused_ecid";
    case Reason::kDomain:
      return "refused_domain";
    case Reason::kNonce:
      return "refused_nonce";
    case Reason::kSepNonce:
      return "refused_sep_nonce";
    case Reason::kType:
      return "refused_type";
    case Reason::kDigest:
      return "refused_digest";
    case Reason::kOrder:
      return "refused_order";
    case Reason::kMixedTickets:
      return "refused_mixed_tickets";
    case Reason::kMode:
      return "refused_mode";
    case Reason::kForeignRamdisk:
      return "refused_foreign_ramdisk";
    case Reason::kSendRefused:
      return "refused_send";
    case Reason::kConstraints:
      return "refused_constraints";
    case Reason::kRootTicket:
      return "refused_root_ticket";
    case Reason::kAnswerMissing:
      return "refused_answer_missing";
    case Reason::kNorData:
      return "refused_nor_data";
    case Reason::kAsrRange:
      return "refused_asr_range";
    case Reason::kAsrChecksum:
      return "refused_asr_checksum";
    case Reason::kAsrShort:
      return "refused_asr_short";
    case Reason::kImageDigest:
      return "refused_image_digest";
    case Reason::kHostGone:
      return "host_gone";
    case Reason::kAsrInfo:
      return "refused_asr_info";
    case Reason::kFud:
      return "refused_fud";
    case Reason::kHostUnsupported:
      return "refused_host";
    case Reason::kFdr:
      return "refused_fdr";
    case Reason::kAssetKey:
      return "refused_asset_key";
    case Reason::kFault:
      return "fault";
    case Reason::kBattery:
      return "refused_battery";
    case Reason::kUpdaterAnswer:
      return "refused_updater_answer";
    case Reason::kUpdaterTicket:
      return "refused_updater_ticket";
    case Reason::kUpdaterIdentity:
      return "refused_updater_identity";
    case Reason::kUpdaterNonce:
      return "refused_updater_nonce";
    case Reason::kUpdaterFirmware:
      return "refused_updater_firmware";
    case Reason::kBasebandData:
      return "refused_baseband_data";
    case Reason::kBasebandSignature:
      return "refused_baseband_signature";
    case Reason::kBasebandTicket:
      return "refused_baseband_ticket";
    case Reason::kEnterRecovery:
      return "refused_enter_recovery";
    case Reason::kUnplugged:
      return "unplugged";
  }
  return "unknown";
}

}  // namespace rack
