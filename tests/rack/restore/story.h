#pragma once
// One restore as the phone lives it, from StartRestore to the last status: a table of steps run in
// order.

#include <expected>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/restore/dialogue.h"
#include "tests/rack/restore/fdr.h"

namespace rack {

class RestoreStory {
 public:
  RestoreStory(Phone& phone, Attachment& attachment, FdrControl& fdr, Dialogue& dialogue);

  // Runs all steps, reports the outcome to the host, and asks the phone to leave restore mode.
  // False when it failed.
  bool Run();
  // After the working connection is done with: lets the phone leave.
  void Leave(bool succeeded);

 private:
  using Step = std::expected<void, Refusal>;
  struct StepEntry {
    const char* name;
    Step (RestoreStory::*run)();
  };

  Step AskRootTicket();
  Step AskNorData();
  Step AskFdrTrust();
  Step Format();
  Step StreamImage();
  Step AskKernel();
  Step AskDeviceTree();
  Step AskRootHash();
  Step AskCanonicalMetadata();
  Step AskFud();
  Step Finish();

  // To `status` and to the host.
  void Fail(const char* step, Refusal refusal);
  [[nodiscard]] Step AskImage(const std::string& data_type, const std::string& key,
                              const std::string& four_cc);
  // An IMG4 under the ticket this restore was booted with.
  [[nodiscard]] Step CheckImage(const Bytes* img4, const std::string& what,
                                const Verifier::TypeTest& accepts, std::string* type = nullptr);
  [[nodiscard]] Step CheckNorList(const Value& list);
  [[nodiscard]] Step CheckFud(const Value& answer, const std::string& name);
  [[nodiscard]] bool InTicket(const std::string& four_cc) const {
    return ticket_.components.contains(four_cc);
  }

  Phone& phone_;
  Attachment& attachment_;
  FdrControl& fdr_;
  Dialogue& dialogue_;
  const std::uint64_t boot_number_;
  const BootRecord boot_;  // as booted; ticket_ looks into it
  Ticket ticket_;
  std::string image_digest_;
  std::optional<std::chrono::seconds> replug_after_;
};

}  // namespace rack
