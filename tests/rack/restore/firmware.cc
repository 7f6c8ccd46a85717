// Fourth chapter: firmware of everything else on the board.

#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kFud = 36;

StepResult CheckFud(const RestoreRun& run, const Value& answer, const std::string& name) {
  if (answer.Text("ImageName") != name)
    return Refused(Reason::kFud, "answer does not repeat ImageName " + name);
  return CheckImage(run, answer.Data("FUDImageData"), "FUDData " + name, AnyType());
}

// The list, each by name, and all at once.
StepResult AskFud(RestoreRun& run) {
  const auto listed = run.dialogue.Request("FUDData", Value::Dict{{"FUDImageList", true}});
  if (!listed) return std::unexpected(listed.error());
  const Value* names = listed->Find("FUDImageList");
  if (names == nullptr || names->AsArray() == nullptr)
    return Refused(Reason::kFud, "no FUDImageList");
  for (const Value& name : *names->AsArray()) {
    if (name.AsText() == nullptr)
      return Refused(Reason::kFud, "FUDImageList holds something else than names");
    const auto one = run.dialogue.Request("FUDData", Value::Dict{{"ImageName", *name.AsText()}});
    if (!one) return std::unexpected(one.error());
    if (StepResult checked = CheckFud(run, *one, *name.AsText()); !checked) return checked;
  }
  const auto all = run.dialogue.Request("FUDData");
  if (!all) return std::unexpected(all.error());
  const Value* images = all->Find("FUDImageData");
  if (images == nullptr || images->AsDict() == nullptr ||
      images->AsDict()->size() != names->AsArray()->size())
    return Refused(Reason::kFud, "FUDImageData does not hold every listed image");
  for (const auto& [name, image] : *images->AsDict())
    if (StepResult checked = CheckImage(run, image.AsBytes(), "FUDData " + name, AnyType());
        !checked)
      return checked;
  return {};
}

// A row of the updaters: {.name = "se", .checkpoint = {...}, .operation = 59, .asked = ..., .run =
// ...}.
constexpr Step kSteps[] = {
    {.name = "fud",
     .operation = kFud,
     .asked = [](const RestoreRun& run) { return run.phone.Spec().ask_fud; },
     .run = AskFud},
};

}  // namespace

std::span<const Step> FirmwareSteps() { return kSteps; }

}  // namespace rack
