// Ways of going through the boot in the wrong order, or with the wrong thing for a command.

#include "tests/rack/image4/payload.h"
#include "tests/rack/test/mutation_spoils.h"

namespace rack {
namespace {

using Move = BootBench::Move;

constexpr Aftermath kStaysInIboot = {.stage = Stage::kIboot};
constexpr Aftermath kStaysInIbec = {.stage = Stage::kIbec};

Spoil Moves(std::vector<Move> moves) {
  return [moves](BootBench& bench) { bench.moves = moves; };
}
Spoil Without(const char* component) {
  return [component](BootBench& bench) {
    std::erase_if(bench.moves, [&](const Move& move) { return move.component == component; });
  };
}
// Each as good as the other, but two in one boot.
void MixTickets(BootBench& bench) {
  bench.spoil_image["RestoreRamDisk"] = [&bench](Bytes& img4) {
    img4 = Stitch(bench.parts.at("RestoreRamDisk").payload, bench.NewTicket());
  };
}

void ForeignRamdisk(BootBench& bench) {
  bench.parts.at("RestoreRamDisk").payload = WritePayload("rdsk", "test", Bytes(900, 3));
}

void ForgetBootArguments(BootBench& bench) {
  std::erase_if(bench.moves,
                [](const Move& move) { return move.command.starts_with("setenv boot-args"); });
}

class OrderMutation : public BootMutation {};
TEST_P(OrderMutation, IsRefused) { Judge(); }

INSTANTIATE_TEST_SUITE_P(
    Order, OrderMutation,
    testing::Combine(
        testing::Values(
            Mutation{"NothingUploaded", "reference 2.2", Reason::kOrder, kStaysInIboot, "go",
                     Moves({{"", "go"}})},
            Mutation{"RamdiskInIboot", "reference 2.4: stage B follows iBEC", Reason::kOrder,
                     kStaysInIboot, "ramdisk", Moves({{"RestoreRamDisk", "ramdisk"}})},
            Mutation{"DeviceTreeInIboot", "reference 2.4: stage B follows iBEC", Reason::kOrder,
                     kStaysInIboot, "devicetree", Moves({{"RestoreDeviceTree", "devicetree"}})},
            Mutation{"KernelInIboot", "reference 2.4: stage B follows iBEC", Reason::kOrder,
                     kStaysInIboot, "bootx", Moves({{"RestoreKernelCache", "bootx"}})},
            Mutation{"IbecTwice", "reference 2.7", Reason::kOrder, kStaysInIbec, "go",
                     Moves({{"iBEC", "go"}, {"iBEC", "go"}})},
            Mutation{"KernelFirst", "reference 2.4", Reason::kOrder, kStaysInIbec, "bootx",
                     Moves({{"iBEC", "go"},
                            {"", "setenv boot-args rd=md0"},
                            {"RestoreKernelCache", "bootx"}})},
            Mutation{"NoRamdisk", "reference 2.4 B5", Reason::kOrder, kStaysInIbec, "bootx",
                     Without("RestoreRamDisk")},
            Mutation{"NoDeviceTree", "reference 2.4 B6", Reason::kOrder, kStaysInIbec, "bootx",
                     Without("RestoreDeviceTree")},
            Mutation{"NoTrustCache", "reference 2.4 B4", Reason::kOrder, kStaysInIbec, "bootx",
                     Without("RestoreTrustCache")},
            Mutation{"NoBootArguments", "reference 2.4 B8", Reason::kOrder, kStaysInIbec, "bootx",
                     ForgetBootArguments},
            Mutation{"NoKernel", "reference 2.2", Reason::kOrder, kStaysInIbec, "bootx",
                     Instead("RestoreKernelCache", "")},
            Mutation{"MixedTickets", "reference 1.3: one ticket from iBEC on",
                     Reason::kMixedTickets, kStaysInIbec, "ramdisk", MixTickets},
            Mutation{"RamdiskThatStartsNothing", "reference 10.4: back in recovery",
                     Reason::kForeignRamdisk, kStaysInIboot, "", ForeignRamdisk}),
        testing::Values(kA9, kA11)),
    RowName);

INSTANTIATE_TEST_SUITE_P(
    Type, OrderMutation,
    testing::Combine(
        testing::Values(
            Mutation{"RamdiskForGo", "reference 2.8", Reason::kType, kStaysInIboot, "go",
                     Instead("iBEC", "RestoreRamDisk")},
            Mutation{"IbssForGo", "reference 2.7: ibec in iBoot", Reason::kType, kStaysInIboot,
                     "go", Instead("iBEC", "iBSS")},
            Mutation{"AppleLogoForPicture", "reference 2.8: rlgo", Reason::kType, kStaysInIbec,
                     "setpicture 4", Instead("RestoreLogo", "AppleLogo")},
            Mutation{"RamdiskForFirmware", "reference 2.8", Reason::kType, kStaysInIbec, "firmware",
                     Instead("RestoreTrustCache", "RestoreRamDisk")},
            Mutation{"DeviceTreeForRamdisk", "reference 2.8: rdsk", Reason::kType, kStaysInIbec,
                     "ramdisk", Instead("RestoreRamDisk", "RestoreDeviceTree")},
            Mutation{"DtreForDeviceTree", "reference 2.8: rdtr", Reason::kType, kStaysInIbec,
                     "devicetree", Instead("RestoreDeviceTree", "DeviceTree")},
            Mutation{"SepiForRsep", "reference 2.8: rsep", Reason::kType, kStaysInIbec,
                     "rsepfirmware", Instead("RestoreSEP", "SEP")},
            Mutation{"KrnlForRkrn", "reference 2.8: rkrn", Reason::kType, kStaysInIbec, "bootx",
                     Instead("RestoreKernelCache", "KernelCache")}),
        testing::Values(kA9, kA11)),
    RowName);

}  // namespace
}  // namespace rack
