#include "tests/rack/restore/step.h"

#include <algorithm>

namespace rack {

bool SameBoard(std::string_view device_class, const Product& product) {
  return std::ranges::equal(
      device_class, product.board, {}, [](unsigned char c) { return std::tolower(c); },
      [](unsigned char c) { return std::tolower(c); });
}

Verifier::TypeTest AnyType() {
  return [](const std::string&) { return true; };
}

StepResult CheckImage(const RestoreRun& run, const Bytes* img4, const std::string& what,
                      const Verifier::TypeTest& accepts, std::string* type) {
  if (img4 == nullptr) return Refused(Reason::kAnswerMissing, what + " is missing in the answer");
  const ChipIdentity chip = run.phone.Chip();
  const auto image = Verifier(run.phone.Root(), chip).CheckImage(*img4, accepts);
  if (!image) return Refused(image.error().reason, what + ": " + image.error().detail);
  if (image->ticket_hash != run.boot.ticket_hash)
    return Refused(Reason::kMixedTickets, what + " came with another ticket than the ramdisk");
  if (type != nullptr) *type = image->type;
  return {};
}

StepResult AskImage(RestoreRun& run, const std::string& data_type, const std::string& key,
                    const std::string& four_cc) {
  const auto answer = run.dialogue.Request(data_type);
  if (!answer) return std::unexpected(answer.error());
  return CheckImage(run, answer->Data(key), key, Only(four_cc));
}

}  // namespace rack
