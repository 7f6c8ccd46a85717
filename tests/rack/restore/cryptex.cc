// From iOS 16 on: the parts of the system that come as disk images of their own.

#include <fmt/format.h>

#include "tests/rack/restore/boot_objects.h"
#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr std::string_view kPrefix = "Cryptex1,";

bool HasCryptexes(const RestoreRun& run) { return run.Names("Cryptex1,SystemOS"); }

StepResult CheckIdentity(const RestoreRun& run, const Value& identity) {
  const Value* info = identity.Find("Info");
  const Value* manifest = identity.Find("Manifest");
  if (info == nullptr || manifest == nullptr)
    return Refused(Reason::kAnswerMissing, "BuildIdentityDict lacks Info or Manifest");
  if (!SameBoard(info->Text("DeviceClass"), run.phone.Spec().product))
    return Refused(Reason::kBoard, "BuildIdentityDict is for " + info->Text("DeviceClass"));
  if (info->Text("RestoreBehavior") != (run.Erases() ? "Erase" : "Update"))
    return Refused(Reason::kForeignRamdisk,
                   "BuildIdentityDict is for another behaviour than the ramdisk's");
  return {};
}

StepResult AskIdentity(RestoreRun& run) {
  const std::string variant = run.Erases() ? "Erase" : "Update";
  const auto answer = run.dialogue.Request("BuildIdentityDict", Value::Dict{{"Variant", variant}});
  if (!answer) return std::unexpected(answer.error());
  const Value* identity = answer->Find("BuildIdentityDict");
  if (identity == nullptr || answer->Text("Variant") != variant)
    return Refused(Reason::kAnswerMissing, "no BuildIdentityDict of variant " + variant);
  return CheckIdentity(run, *identity);
}

StepResult AskReceipt(RestoreRun& run) {
  const auto answer = run.dialogue.Request("ReceiptManifest");
  if (!answer) return std::unexpected(answer.error());
  const Value* manifest = answer->Find("ReceiptManifest");
  if (manifest == nullptr) return Refused(Reason::kAnswerMissing, "no ReceiptManifest");
  for (const std::string& component : run.components)
    if (manifest->Find(component) == nullptr)
      return Refused(Reason::kAnswerMissing, "ReceiptManifest lacks " + component);
  return {};
}

StepResult InstallCryptexes(RestoreRun& run) {
  for (const std::string& component : run.components)
    if (component.starts_with(kPrefix))
      if (StepResult fetched = FetchSource(run, component); !fetched) return fetched;
  return {};
}

constexpr Step kSteps[] = {
    {.name = "build-identity",
     .asked = HasCryptexes,
     .data_type = "BuildIdentityDict",
     .run = AskIdentity},
    {.name = "receipt", .asked = HasCryptexes, .data_type = "ReceiptManifest", .run = AskReceipt},
    {.name = "cryptexes",
     .checkpoint = {0x6A6, "install_splat"},
     .asked = HasCryptexes,
     .data_type = "SourceBootObjectV4",
     .run = InstallCryptexes,
     .status = kCryptexFailure},
    {.name = "bootability",
     .asked = [](const RestoreRun& run) { return run.Names("BootabilityBundle"); },
     .data_type = "BootabilityBundle",
     .run = [](RestoreRun& run) { return FetchArchive(run, "BootabilityBundle"); }},
};

}  // namespace

std::span<const Step> CryptexSteps() { return kSteps; }

}  // namespace rack
