#pragma once
// What a restore is made of: steps, each with the checkpoint it shows, when it is asked, and what
// it does. A chapter is a list of steps; the story runs the chapters in order.

#include <cstdint>
#include <expected>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/restore/dialogue.h"
#include "tests/rack/restore/fdr.h"
#include "tests/rack/restore/image_transfer.h"

namespace rack {

// What every step is given.
struct RestoreRun {
  Phone& phone;
  Attachment& attachment;
  FdrControl& fdr;
  Dialogue& dialogue;
  const BootRecord boot;             // as booted; `ticket` looks into it
  const Ticket ticket;               // empty when the phone was booted without a readable one
  std::set<std::string> components;  // what the manifest's identity for this board names
  int os = 0;                        // iOS 18 is 18: what the firmware's build number says
  // What the steps leave for later ones.
  std::unique_ptr<ImageTransfer> image;  // on its way
  std::string image_digest;              // of the system image, once it is there; hexadecimal
  std::future<Dialogue::Answer> host_time;
  Value build_identity;  // the host's, once an updater needed it

  [[nodiscard]] bool Erases() const { return boot.ramdisk && boot.ramdisk->behaviour == "Erase"; }
  // How the disk images of this restore were made, where the booted ramdisk says so.
  [[nodiscard]] std::vector<ImageRecipe> Recipes() const {
    return boot.ramdisk ? boot.ramdisk->images : std::vector<ImageRecipe>();
  }
  // Whether the identity for this board names a component; the marker of the booted ramdisk says
  // so.
  [[nodiscard]] bool Names(std::string_view component) const {
    return components.contains(std::string(component));
  }
  [[nodiscard]] bool InTicket(const std::string& four_cc) const {
    return ticket.components.contains(four_cc);
  }
  [[nodiscard]] const HostAbilities& Host() const { return dialogue.Host(); }
  // From iOS 18 on the system image and the updaters go on beside other steps (reference 6.10).
  [[nodiscard]] bool Asynchronous() const { return os >= 18 && Host().Async("SystemImageData"); }
};

using StepResult = std::expected<void, Refusal>;

// StatusMsg numbers (reference 6.9; 10 and 100 are what public logs show for an unsupported host
// and for cryptexes that could not be installed).
enum FailureStatus : std::int64_t {
  kVerificationError = -1,
  kUnsupportedHost = 10,
  kGenericFailure = 14,
  kMountFailure = 27,
  kSepFailure = 51,
  kFdrFailure = 53,
  kCryptexFailure = 100,
  kBasebandFailure = 1015,
};

struct Step {
  const char* name;            // as faults and the log call it
  Checkpoint checkpoint = {};  // shown as begun before and as completed after the step
  int operation = 0;           // told once before the step, without a percentage; 0: none
  bool (*asked)(const RestoreRun&) = nullptr;  // whether this phone and firmware need it; null: do
  // What the host must answer for it. Firmware up to iOS 15 goes without what the host does not
  // know; later firmware refuses such a host before it begins (is_host_compatible).
  const char* data_type = nullptr;
  StepResult (*run)(RestoreRun&) = nullptr;  // null: nothing but the checkpoint
  std::int64_t status = kGenericFailure;     // when it fails
};

struct Chapter {
  Checkpoint opens = {};  // shown as begun before the steps
  std::span<const Step> steps;
  Checkpoint closes = {};  // shown as completed after them; opened here or in an earlier chapter
};

[[nodiscard]] inline std::unexpected<Refusal> Refused(Reason reason, std::string detail) {
  return std::unexpected(Refusal{reason, std::move(detail)});
}

// "d20ap", as manifests say it, and "D20AP".
[[nodiscard]] bool SameBoard(std::string_view device_class, const Product& product);
// An IMG4 of the answer, of a type that `accepts`, under the ticket this restore was booted with.
// `what` is how refusals call it.
[[nodiscard]] StepResult CheckImage(const RestoreRun& run, const Bytes* img4,
                                    const std::string& what, const Verifier::TypeTest& accepts,
                                    std::string* type = nullptr);
[[nodiscard]] Verifier::TypeTest AnyType();
// Asks for a data type whose answer holds one image under `key`.
[[nodiscard]] StepResult AskImage(RestoreRun& run, const std::string& data_type,
                                  const std::string& key, const std::string& four_cc);

}  // namespace rack
