#include "station/restore/restore_options.h"

#include <openssl/rand.h>

#include <array>
#include <span>
#include <string_view>

#include "station/base/ids.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

// What the host says it can do; presence of the key seems to be what counts (6.4).
constexpr auto kDataTypesTrue =
    std::to_array<std::string_view>({"AuthInstallCACert",
                                     "Cryptex1LocalPolicy",
                                     "FirmwareUpdaterDataV3",
                                     "FirmwareUpdaterPreflight",
                                     "HostSystemTime",
                                     "MessageUseStreamedImageFile",
                                     "NitrogenFWData",
                                     "OverlayRootDataForKey",
                                     "OverlayRootDataForKeyIndex",
                                     "PeppyFWData",
                                     "PersonalizedData",
                                     "RamdiskFWData",
                                     "ReceiptManifest",
                                     "RecoveryOSASRImage",
                                     "RecoveryOSAppleLogo",
                                     "RecoveryOSDeviceTree",
                                     "RecoveryOSFileAssetImage",
                                     "RecoveryOSIBEC",
                                     "RecoveryOSIBootFWFilesImages",
                                     "RecoveryOSImage",
                                     "RecoveryOSKernelCache",
                                     "RecoveryOSLocalPolicy",
                                     "RecoveryOSRootTicketData",
                                     "RecoveryOSStaticTrustCache",
                                     "RecoveryOSVersionData",
                                     "RestoreLocalPolicy",
                                     "URLAsset",
                                     "UpdateVolumeOverlayRootDataCount"});
constexpr auto kDataTypesFalse = std::to_array<std::string_view>({"BasebandBootData",
                                                                  "BasebandData",
                                                                  "BasebandStackData",
                                                                  "BasebandUpdaterOutputData",
                                                                  "BootabilityBundle",
                                                                  "BuildIdentityDict",
                                                                  "BuildIdentityDictV2",
                                                                  "DataType",
                                                                  "DiagData",
                                                                  "EANData",
                                                                  "FDRMemoryCommit",
                                                                  "FDRTrustData",
                                                                  "FUDData",
                                                                  "FileData",
                                                                  "FileDataDone",
                                                                  "FirmwareUpdaterData",
                                                                  "FirmwareUpdaterDataV2",
                                                                  "GrapeFWData",
                                                                  "HPMFWData",
                                                                  "KernelCache",
                                                                  "NORData",
                                                                  "OpalFWData",
                                                                  "OverlayRootDataCount",
                                                                  "PersonalizedBootObjectV3",
                                                                  "ProvisioningData",
                                                                  "RecoveryOSOverlayRootDataCount",
                                                                  "RootData",
                                                                  "RootTicket",
                                                                  "S3EOverride",
                                                                  "SourceBootObjectV3",
                                                                  "SourceBootObjectV4",
                                                                  "SsoServiceTicket",
                                                                  "StockholmPostflight",
                                                                  "SystemImageCanonicalMetadata",
                                                                  "SystemImageData",
                                                                  "SystemImageRootHash",
                                                                  "USBCFWData",
                                                                  "USBCOverride"});
constexpr auto kMessageTypesTrue = std::to_array<std::string_view>(
    {"AsyncDataRequestMsg", "AsyncWait", "CheckpointMsg", "CrashLog", "FDRSubmit",
     "RestoreAttestation", "RestoredCrash"});
constexpr auto kMessageTypesFalse = std::to_array<std::string_view>(
    {"BBUpdateStatusMsg", "DataRequestMsg", "MsgType", "PreviousRestoreLogMsg", "ProgressMsg",
     "ProvisioningAck", "ProvisioningInfo", "ProvisioningStatusMsg", "ReceivedFinalStatusMsg",
     "StatusMsg"});
constexpr auto kAsyncFalse = std::to_array<std::string_view>(
    {"BasebandData", "RecoveryOSASRImage", "StreamedImageDecryptionKey", "SystemImageData"});

void Announce(Plist& dict, std::span<const std::string_view> names, bool value) {
  for (const std::string_view name : names) dict.Set(std::string(name), Plist::Bool(value));
}

Plist Capabilities(std::span<const std::string_view> yes, std::span<const std::string_view> no) {
  Plist dict = Plist::Dict();
  Announce(dict, yes, true);
  Announce(dict, no, false);
  return dict;
}

std::string Guid() {
  std::array<std::uint8_t, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  std::string hex = ToHex(bytes);
  for (char& c : hex)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

// Megabytes of padding by capacity in gigabytes, where the identity does not say (6.3).
Plist DefaultPadding() {
  Plist padding = Plist::Dict();
  constexpr std::array<std::pair<const char*, unsigned>, 9> kDefaults{{{"8", 80},
                                                                       {"16", 160},
                                                                       {"32", 320},
                                                                       {"64", 640},
                                                                       {"128", 1280},
                                                                       {"256", 1280},
                                                                       {"512", 1280},
                                                                       {"768", 1280},
                                                                       {"1024", 1280}}};
  for (const auto& [capacity, megabytes] : kDefaults)
    padding.Set(capacity, Plist::Integer(megabytes));
  return padding;
}

// What the phone said of its baseband before the restore, less what is of no use to the updater.
void AddBasebandState(Plist& options, View preflight) {
  if (!preflight.IsDict()) return;
  Plist state = Plist::Copy(preflight);
  state.Remove("FusingStatus");
  state.Remove("PkHash");
  options.Set("BBUpdaterState", std::move(state));
  if (preflight["Nonce"].IsData()) options.Set("BasebandNonce", Plist::Copy(preflight["Nonce"]));
}

void AddRecoverySystem(Plist& options, const std::optional<RecoverySystemRoom>& recovery) {
  if (!recovery) return;
  options.Set("InstallRecoveryOS", Plist::Bool(true));
  options.Set("RecoveryOSBundlePath", Plist::String("/tmp/Per2.tmp"));
  options.Set("AuthInstallRecoveryOSVariant", Plist::String(recovery->variant));
  options.Set("recoveryOSPartitionSize", Plist::Integer(recovery->least_megabytes));
  options.Set("recoveryOSMaxPartitionSize", Plist::Integer(recovery->most_megabytes));
}

}  // namespace

Plist BuildRestoreOptions(const firmware::Identity& identity, View preflight,
                          const std::optional<RecoverySystemRoom>& recovery) {
  Plist options = Plist::Dict();
  AddBasebandState(options, preflight);
  AddRecoverySystem(options, recovery);
  options.Set("AutoBootDelay", Plist::Integer(0));
  options.Set("SupportedDataTypes", Capabilities(kDataTypesTrue, kDataTypesFalse));
  options.Set("SupportedMessageTypes", Capabilities(kMessageTypesTrue, kMessageTypesFalse));
  Plist async = Capabilities({}, kAsyncFalse);
  async.Set("URLAsset", Plist::Bool(true));
  options.Set("SupportedAsyncDataTypes", std::move(async));
  options.Set("BootImageType", Plist::String("User")).Set("DFUFileType", Plist::String("RELEASE"));
  options.Set("DataImage", Plist::Bool(false)).Set("FirmwareDirectory", Plist::String("."));
  options.Set("FlashNOR", Plist::Bool(true)).Set("KernelCacheType", Plist::String("Release"));
  options.Set("NORImageType", Plist::String("production"))
      .Set("RestoreBundlePath", Plist::String("/tmp/Per2.tmp"));
  options.Set("SystemImageType", Plist::String("User")).Set("UpdateBaseband", Plist::Bool(true));
  options.Set("InstallDiags", Plist::Bool(false)).Set("HostHasFixFor99053849", Plist::Bool(true));
  options.Set("SystemImageFormat", Plist::String("AEAWrappedDiskImage"));
  options.Set("WaitForDeviceConnectionToFinishStateMachine", Plist::Bool(false));
  options.Set("PersonalizedDuringPreflight", Plist::Bool(true))
      .Set("RootToInstall", Plist::Bool(false));
  options.Set("CreateFilesystemPartitions", Plist::Bool(true))
      .Set("SystemImage", Plist::Bool(true));
  options.Set("UUID", Plist::String(Guid()))
      .Set("RestoreBootArgs", Plist::String(kRestoreBootArgs));
  const plist::View capacity = identity.Node()["Manifest"]["SEP"]["Info"]["RequiredCapacity"];
  if (capacity.IsString()) options.Set("TZ0RequiredCapacity", Plist::Copy(capacity));
  const plist::View padding = identity.Info()["SystemPartitionPadding"];
  options.Set("SystemPartitionPadding", padding.IsDict() ? Plist::Copy(padding) : DefaultPadding());
  return options;
}

}  // namespace station::restore
