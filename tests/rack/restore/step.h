#pragma once
// What a restore is made of: steps, each with the checkpoint it shows, when it is asked, and what
// it does. A chapter is a list of steps under one checkpoint of its own; the story runs the
// chapters in order.

#include <cstdint>
#include <expected>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/restore/dialogue.h"
#include "tests/rack/restore/fdr.h"

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
  std::string image_digest;          // of the system image, once it is there; hexadecimal

  [[nodiscard]] bool Erases() const { return boot.ramdisk && boot.ramdisk->behaviour == "Erase"; }
  // Whether the identity for this board names a component; the marker of the booted ramdisk says
  // so.
  [[nodiscard]] bool Names(std::string_view component) const {
    return components.contains(std::string(component));
  }
  [[nodiscard]] bool InTicket(const std::string& four_cc) const {
    return ticket.components.contains(four_cc);
  }
  [[nodiscard]] const HostAbilities& Host() const { return dialogue.Host(); }
};

using StepResult = std::expected<void, Refusal>;

struct Step {
  const char* name;            // as faults and the log call it
  Checkpoint checkpoint = {};  // shown as begun before and as completed after the step
  int operation = 0;           // of ProgressMsg: 0 percent before the step, 100 after it; 0: none
  bool (*asked)(const RestoreRun&) = nullptr;  // null: always
  StepResult (*run)(RestoreRun&) = nullptr;    // null: nothing but the checkpoint
};

struct Chapter {
  Checkpoint checkpoint = {};  // around all of its steps; may be none
  std::span<const Step> steps;
};

[[nodiscard]] inline std::unexpected<Refusal> Refused(Reason reason, std::string detail) {
  return std::unexpected(Refusal{reason, std::move(detail)});
}

// An IMG4 of the answer under `key`, of a type that `accepts`, under the ticket this restore was
// booted with. `what` is how refusals call it.
[[nodiscard]] StepResult CheckImage(const RestoreRun& run, const Bytes* img4,
                                    const std::string& what, const Verifier::TypeTest& accepts,
                                    std::string* type = nullptr);
[[nodiscard]] Verifier::TypeTest AnyType();
// Asks for a data type whose answer holds one image under `key`.
[[nodiscard]] StepResult AskImage(RestoreRun& run, const std::string& data_type,
                                  const std::string& key, const std::string& four_cc);

}  // namespace rack
