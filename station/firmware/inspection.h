#pragma once
// What the station would do with a firmware for one board, without any phone: which identity, which
// components in order of use, who signs them, how much is read and sent, and what is beyond this
// station.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "station/base/enums.h"
#include "station/base/result.h"
#include "station/firmware/build_manifest.h"
#include "station/firmware/zip_directory.h"

namespace station::firmware {

// When a component is used, in the order of a restore.
enum class Chapter : std::uint8_t {
  kRom,  // from DFU mode only
  kIboot,
  kIbec,
  kFlash,       // boot firmware for NOR
  kImage,       // the system image
  kInstall,     // kernel, device tree, root hashes
  kCryptex,     // the split system of iOS 16 and later
  kOnRequest,   // firmware of coprocessors, each when the phone asks for it
  kChips,       // chips with a ticket of their own, when the phone asks
  kTicketOnly,  // covered by the ticket, sent nowhere
  kUnused,
};
inline constexpr std::array kAllChapters = {
    Chapter::kRom,   Chapter::kIboot,      Chapter::kIbec,    Chapter::kFlash,
    Chapter::kImage, Chapter::kInstall,    Chapter::kCryptex, Chapter::kOnRequest,
    Chapter::kChips, Chapter::kTicketOnly, Chapter::kUnused};
// To every phone, whatever it asks for.
[[nodiscard]] bool SentAlways(Chapter chapter);
[[nodiscard]] std::string_view Name(Chapter chapter);     // "rom": for machines
[[nodiscard]] std::string_view Heading(Chapter chapter);  // for people

struct Part {
  Chapter chapter = Chapter::kUnused;
  std::string component;
  std::string path;                   // empty: no file
  std::string four_cc;                // in the ticket; empty: not there
  std::string use;                    // command or data request that takes it
  std::string signed_by;              // "AP", "baseband", "Savage", ...; empty: nobody
  bool personalised = false;          // sent with its ticket around it
  std::string digest;                 // "SHA-384", "SHA-256 x 12", ...; empty: none in the manifest
  std::string modes;                  // what RestoreRequestRules ask for: "EPRO ESEC"
  std::optional<std::uint64_t> size;  // absent: only the manifest was given
  std::optional<std::uint64_t> stored;  // its bytes in the archive
  bool deflated = false;
};

struct Bytes {
  std::uint64_t archive = 0;       // the IPSW itself
  std::uint64_t beside = 0;        // a deflated system image is kept inflated as well
  std::uint64_t sent_always = 0;   // to each phone
  std::uint64_t sent_at_most = 0;  // if it asks for everything
};

struct Inspection {
  std::string board;
  std::string variant;
  std::string behaviour;
  std::uint64_t chip_id = 0;
  std::uint64_t board_id = 0;
  std::string why;                   // this identity
  std::vector<Part> parts;           // by chapter, then in order of use
  std::vector<std::string> tickets;  // who has to sign: "AP", "baseband", ...
  std::vector<std::string> beyond;   // what this station cannot handle; empty: nothing
  std::vector<std::string> notes;
  std::optional<Bytes> bytes;  // absent: only the manifest was given
};

// `members` may be null: sizes then stay unknown. kFirmwareNoIdentity and
// kFirmwareAmbiguousIdentity name the candidates.
[[nodiscard]] Result<Inspection> Inspect(const BuildManifest& manifest, std::string_view board,
                                         Action action, const ZipDirectory* members,
                                         std::uint64_t archive_size);

}  // namespace station::firmware
