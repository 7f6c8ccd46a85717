// Firmware of everything else on the board.

#include <set>
#include <vector>

#include "tests/rack/restore/baseband.h"
#include "tests/rack/restore/chapters.h"
#include "tests/rack/restore/updaters.h"

namespace rack {
namespace {

// Operation numbers of ProgressMsg; those of the updaters stand in their rows.
constexpr int kBaseband = 19;
constexpr int kFud = 36;
constexpr int kEan = 74;
constexpr int kFirstThatAlwaysAsks = 16;  // iOS

// One of the families of images that are listed, asked for by name, and asked for all at once
// (reference 6.7).
struct ImageFamily {
  const char* data_type;
  const char* list_key;
  const char* data_key;
  const char* image_type;  // Arguments.ImageType; null where the data type says it all
};

constexpr ImageFamily kFudImages = {"FUDData", "FUDImageList", "FUDImageData", nullptr};
constexpr ImageFamily kEanImages = {"EANData", "EANImageList", "EANData", nullptr};
constexpr ImageFamily kIbootEanImages = {"PersonalizedData", "ImageList", "ImageData",
                                         "IsiBootEANFirmware"};

Dialogue::Answer AskFamily(RestoreRun& run, const ImageFamily& family, const char* key,
                           Value value) {
  Value arguments = Value::Dict{};
  if (family.image_type != nullptr) arguments.Set("ImageType", family.image_type);
  if (key != nullptr) arguments.Set(key, std::move(value));
  return run.dialogue.Request(family.data_type, std::move(arguments));
}

StepResult AskNames(RestoreRun& run, const ImageFamily& family, std::vector<std::string>& names) {
  const auto listed = AskFamily(run, family, family.list_key, true);
  if (!listed) return std::unexpected(listed.error());
  const Value* list = listed->Find(family.list_key);
  if (list == nullptr || list->AsArray() == nullptr)
    return Refused(Reason::kFud, std::string("no ") + family.list_key);
  for (const Value& name : *list->AsArray()) {
    if (name.AsText() == nullptr)
      return Refused(Reason::kFud,
                     std::string(family.list_key) + " holds something else than names");
    names.push_back(*name.AsText());
  }
  return {};
}

StepResult AskOne(RestoreRun& run, const ImageFamily& family, const std::string& name) {
  const auto answer = AskFamily(run, family, "ImageName", name);
  if (!answer) return std::unexpected(answer.error());
  if (answer->Text("ImageName") != name)
    return Refused(Reason::kFud, "answer does not repeat ImageName " + name);
  return CheckImage(run, answer->Data(family.data_key), family.data_type + (" " + name), AnyType());
}

StepResult AskAll(RestoreRun& run, const ImageFamily& family,
                  const std::vector<std::string>& names) {
  const auto all = AskFamily(run, family, nullptr, {});
  if (!all) return std::unexpected(all.error());
  const Value* images = all->Find(family.data_key);
  if (images == nullptr || images->AsDict() == nullptr || images->AsDict()->size() != names.size())
    return Refused(Reason::kFud,
                   std::string(family.data_key) + " does not hold every listed image");
  for (const auto& [name, image] : *images->AsDict())
    if (StepResult checked =
            CheckImage(run, image.AsBytes(), family.data_type + (" " + name), AnyType());
        !checked)
      return checked;
  return {};
}

// The list, each by name, and all at once.
StepResult AskImages(RestoreRun& run, const ImageFamily& family) {
  std::vector<std::string> names;
  if (StepResult listed = AskNames(run, family, names); !listed) return listed;
  for (const std::string& name : names)
    if (StepResult one = AskOne(run, family, name); !one) return one;
  return names.empty() ? StepResult() : AskAll(run, family, names);
}

StepResult AskFud(RestoreRun& run) { return AskImages(run, kFudImages); }

StepResult AskEan(RestoreRun& run) {
  if (StepResult early = AskImages(run, kEanImages); !early) return early;
  return AskImages(run, kIbootEanImages);
}

bool AlwaysAsks(const RestoreRun& run) { return run.os >= kFirstThatAlwaysAsks; }

template <Updater kUpdater>
constexpr Step UpdaterStep(const char* name, int operation = 0) {
  return {.name = name,
          .operation = operation,
          .asked = [](const RestoreRun& run) { return UpdaterAsked(run, kUpdater); },
          .data_type = "FirmwareUpdaterData",
          .run = [](RestoreRun& run) { return RunUpdater(run, kUpdater); }};
}

constexpr Step kSteps[] = {
    {.name = "preflight",
     .asked = PreflightAsked,
     .data_type = "FirmwareUpdaterPreflight",
     .run = AskPreflight},
    UpdaterStep<Updater::kSe>("se", 59),
    UpdaterStep<Updater::kSavage>("savage", 60),
    UpdaterStep<Updater::kYonkers>("yonkers", 64),
    UpdaterStep<Updater::kRose>("rose", 65),
    UpdaterStep<Updater::kVeridian>("veridian", 66),
    UpdaterStep<Updater::kTcon>("tcon", 81),
    UpdaterStep<Updater::kRetimer>("retimer"),
    UpdaterStep<Updater::kVinyl>("vinyl"),
    UpdaterStep<Updater::kCentauri>("centauri"),
    UpdaterStep<Updater::kCryptex1>("cryptex-ticket"),
    {.name = "baseband",
     .operation = kBaseband,
     .asked = BasebandAsked,
     .data_type = "BasebandData",
     .run = AskBaseband,
     .status = kBasebandFailure},
    {.name = "fud",
     .operation = kFud,
     .asked = [](const RestoreRun& run) { return AlwaysAsks(run) || run.phone.Spec().ask_fud; },
     .data_type = "FUDData",
     .run = AskFud},
    {.name = "ean", .operation = kEan, .asked = AlwaysAsks, .data_type = "EANData", .run = AskEan},
};

}  // namespace

std::span<const Step> FirmwareSteps() { return kSteps; }

}  // namespace rack
