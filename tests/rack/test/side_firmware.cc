// The invented firmware of side_host.h.

#include "tests/rack/forge/contents.h"
#include "tests/rack/forge/plan.h"
#include "tests/rack/forge/side_files.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/side/little_endian.h"
#include "tests/rack/test/side_host.h"

namespace rack {
namespace {

Bytes Invented(std::size_t size) { return Bytes(size, 0xD1); }

Bytes Partial(std::uint32_t left, std::size_t digest) {
  Bytes partial;
  Put32(partial, left);
  Put32(partial, 0x10000);
  partial.resize(8 + digest, 0xD2);
  return partial;
}

Value Component(const std::string& path, Value digests, bool ftab = false) {
  digests.Set("Info", Value::Dict{{"Path", path}, {"IsFTAB", ftab}});
  return digests;
}
Value With(const std::string& path, std::size_t digest, bool ftab = false) {
  return Component(path, Value::Dict{{"Digest", Invented(digest)}}, ftab);
}

Value QualcommElements() {
  return Value::Dict{{"ACDB-DownloadDigest", Invented(32)},
                     {"APPS-DownloadDigest", Invented(32)},
                     {"APPS-HashTableDigest", Invented(32)},
                     {"SBL1-HashTableDigest", Invented(32)},
                     {"SBL1-PartialDigest", Partial(0x1900, 32)},
                     {"RestoreSBL1-HashTableDigest", Invented(32)},
                     {"RestoreSBL1-PartialDigest", Partial(0x1900, 32)}};
}

Value Components(const Value& elements) {
  Value yonkers_dev = With("Firmware/Yonkers/dev.fw", 32);
  yonkers_dev.Set("EPRO", false).Set("FabRevision", 6657);
  Value yonkers = With("Firmware/Yonkers/prod.fw", 32);
  yonkers.Set("EPRO", true).Set("FabRevision", 6657);
  return Value::Dict{
      {"RestoreRamDisk", With("ramdisk.dmg", 48)},
      {"SEP", With("Firmware/all_flash/sep.im4p", 48)},
      {"BasebandFirmware", Component("Firmware/Mav.bbfw", elements)},
      {"SE,UpdatePayload", Component("Firmware/SE/se.sefw",
                                     Value::Dict{{"DevelopmentUpdatePayloadHash", Invented(32)},
                                                 {"ProductionUpdatePayloadHash", Invented(32)}})},
      {"Yonkers,SysTopPatch0", yonkers_dev},
      {"Yonkers,SysTopPatch1", yonkers},
      {"Rap,RTKitOS", With("Firmware/Rose/ftab.bin", 48, true)},
      {"Rap,SoftwareBinaryDsp1", With("Firmware/Rose/ftab.bin", 48, true)},
      {"Rap,RestoreRTKitOS", With("Firmware/Rose/rftab.bin", 48, true)},
      {"BMU,FirmwareMap", With("Firmware/Veridian/FirmwareMap.plist", 32)},
      {"BMU,DigestMap", With("Firmware/Veridian/DigestMap.der", 32)},
      {"Baobab,TCON", With("Firmware/tcon.bin", 48)},
      {"Timer,RTKitOS,1", With("Firmware/timer.bin", 48, true)},
      {"Timer,RestoreRTKitOS,1", With("Firmware/rtimer.bin", 48, true)},
      {"eUICC,Gold", With("Firmware/vinyl.vnlfw", 32)},
      {"eUICC,Main", With("Firmware/vinyl.vnlfw", 32)},
      {"Wireless1,Firmware", With("Firmware/centauri.bin", 48)},
      {"Cryptex1,SystemOS", With("system.dmg", 48)},
      {"Savage,B2-Prod-Patch", With("Firmware/Savage/B2.fw", 32)},
      {"Savage,B2-Prod-PatchVT",
       Component("Firmware/Savage/B2.vt.fw",
                 Value::Dict{{"Digest", Hash(HashKind::kSha256, Bytes())}})}};
}

}  // namespace

Value IntelElements() {
  return Value::Dict{{"EBL-DownloadDigest", Invented(32)},
                     {"SystemSW-DownloadDigest", Invented(32)},
                     {"PSI-PartialDigest", Partial(0x84, 32)},
                     {"RestorePSI-PartialDigest", Partial(0x84, 32)}};
}

Value FlsElements() {
  return Value::Dict{{"EBL-DownloadDigest", Invented(20)},
                     {"RamPSI-PartialDigest", Partial(0x84, 20)},
                     {"FlashPSI-PartialDigest", Partial(0x84, 20)}};
}

const Bytes& SideFirmware::File(const std::string& component) const {
  return files.at(Identity().Find("Manifest")->Find(component)->Find("Info")->Text("Path"));
}

SideFirmware EveryChip(const Value& elements) {
  const Value& baseband = elements.AsDict()->empty() ? QualcommElements() : elements;
  SideFirmware firmware;
  firmware.manifest = Value::Dict{
      {"ProductBuildVersion", "20A000"},
      {"BuildIdentities",
       Value::Array{Value::Dict{
           {"BbChipID", "0x3B0E1"},
           {"SE,ChipID", "0x73"},
           {"Savage,ChipID", "0x01"},
           {"Savage,PatchEpoch", "0x00"},
           {"Yonkers,ChipID", "0x414"},
           {"Yonkers,BoardID", 0},
           {"Yonkers,PatchEpoch", 0},
           {"Rap,ChipID", 8198},
           {"Rap,BoardID", 264},
           {"Rap,SecurityDomain", 1},
           {"BMU,ChipID", 57601},
           {"BMU,BoardID", 5715},
           {"Baobab,ChipID", 7},
           {"Baobab,BoardID", 8},
           {"Baobab,ManifestEpoch", 1},
           {"Baobab,SecurityDomain", 1},
           {"Timer,ChipID,1", 9},
           {"Timer,BoardID,1", 10},
           {"Timer,SecurityDomain,1", 1},
           {"eUICC,ChipID", 6},
           {"Wireless1,ChipID", 11},
           {"Wireless1,BoardID", 12},
           {"Wireless1,SecurityDomain", 1},
           {"Cryptex1,ChipID", "0xFF10"},
           {"Info", Value::Dict{{"DeviceClass", "d20ap"}, {"RestoreBehavior", "Erase"}}},
           {"Manifest", Components(baseband)}}}}};
  Plan plan = PlanFiles(firmware.manifest).value();
  for (auto& [path, file] : plan) {
    if (file.main_component == "RestoreRamDisk") firmware.ramdisk = file.marker;
    Bytes contents = MakeContents(file, {.seed = 7, .ramdisk = 1000, .kernel = 1000});
    for (const PlannedFile::Use& use : file.uses) {
      if (use.entry->Data("Digest") != nullptr)
        use.entry->Set("Digest", DigestOfUse(contents, use.type, use.hash));
      *use.entry = WithSideDigests(use.component, *use.entry, *use.identity, contents);
    }
    firmware.files[path] = std::move(contents);
  }
  return firmware;
}

}  // namespace rack
