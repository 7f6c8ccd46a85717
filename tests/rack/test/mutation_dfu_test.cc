// Ways of being wrong before the boot ROM, which knows one image and says nothing: a refused phone
// stays in DFU mode, as untouched as it was.

#include "tests/rack/image4/payload.h"
#include "tests/rack/recovery/dfu.h"
#include "tests/rack/test/mutation_spoils.h"

namespace rack {
namespace {

constexpr Aftermath kStaysInDfu = {.stage = Stage::kDfu, .boots = Stage::kNormal};
constexpr Aftermath kStaysInIbss = {.stage = Stage::kIbss, .boots = Stage::kNormal};

// The ticket is of another stay in DFU mode: the nonce was another one.
void NonceOfAnotherStay(BootBench& bench) {
  bench.before_moves = [](BootBench& ready) { ready.Ask(Event::kHoldForDfu); };
}

void KeepTheTicket(BootBench& bench) { bench.asks_again = false; }

class DfuMutation : public BootMutation {};
TEST_P(DfuMutation, IsRefused) { Judge(StartMode::kDfu); }

INSTANTIATE_TEST_SUITE_P(
    Ibss, DfuMutation,
    testing::Combine(
        testing::Values(
            Mutation{"SignatureBit", "reference 4.7 step 3", Reason::kSignature, kStaysInDfu, "dfu",
                     BitOf([](const Ticket& ticket) { return ticket.signature; })},
            Mutation{"ForeignRoot", "reference 4.7 step 2", Reason::kChain, kStaysInDfu, "dfu",
                     Leaf(ForeignLeaf)},
            Mutation{"OtherGeneration", "reference 4.3", Reason::kChain, kStaysInDfu, "dfu",
                     SignWithTheOtherGeneration},
            Mutation{"LeafWithoutConstraints", "reference 4.7 step 2", Reason::kConstraints,
                     kStaysInDfu, "dfu", Leaf([](std::uint32_t) { return LeafShape{}; })},
            Mutation{"NonceOfAnotherStay", "reference 4.7 step 4, 12.2", Reason::kNonce,
                     kStaysInDfu, "dfu", NonceOfAnotherStay},
            Mutation{"OtherEcid", "reference 4.7 step 4", Reason::kEcid, kStaysInDfu, "dfu",
                     Requested("ApECID", std::uint64_t{0xABD})},
            Mutation{"OtherBoard", "reference 4.7 step 4", Reason::kBoard, kStaysInDfu, "dfu",
                     Requested("ApBoardID", std::uint64_t{0x3E})},
            Mutation{"NotForProduction", "reference 4.7 step 4", Reason::kMode, kStaysInDfu, "dfu",
                     Identity("CPRO", der::Flag(false))},
            Mutation{"IbecForIbss", "reference 2.7: ibss in ROM DFU", Reason::kType, kStaysInDfu,
                     "dfu", Instead("iBSS", "iBEC")},
            Mutation{"IbootForIbss", "reference 2.7: ibss in ROM DFU", Reason::kType, kStaysInDfu,
                     "dfu", Instead("iBSS", "iBoot")},
            Mutation{"PayloadBit", "reference 4.7 step 6", Reason::kDigest, kStaysInDfu, "dfu",
                     Image("iBSS", [](Bytes& img4) { img4[100] ^= 1U; })},
            Mutation{"TruncatedDownload", "reference 4.7 step 1", Reason::kMalformed, kStaysInDfu,
                     "dfu", Image("iBSS", [](Bytes& img4) { img4.resize(img4.size() - 100); })}),
        testing::Values(kA9, kA11)),
    RowName);

// After iBSS has started: it judges iBEC by the nonce it has drawn.
INSTANTIATE_TEST_SUITE_P(
    Ibec, DfuMutation,
    testing::Combine(
        testing::Values(Mutation{"TicketOfTheBootRom", "reference 1.3: a second ticket after iBSS",
                                 Reason::kNonce, kStaysInIbss, "go", KeepTheTicket},
                        Mutation{"IbssForIbec", "reference 2.7: ibec in iBSS", Reason::kType,
                                 kStaysInIbss, "go", Instead("iBEC", "iBSS")},
                        Mutation{"RamdiskInIbss", "reference 2.4: stage B follows iBEC",
                                 Reason::kOrder, kStaysInIbss, "ramdisk",
                                 [](BootBench& bench) {
                                   bench.moves = {{"iBSS", "dfu"}, {"RestoreRamDisk", "ramdisk"}};
                                 }}),
        testing::Values(kA9, kA11)),
    RowName);

// The way the rows above leave is open: the same phone, nothing wrong.
TEST(DfuBoot, GoesFromTheBootRomToTheKernel) {
  for (const TestPhone& phone : {kA9, kA11}) {
    BootBench bench(phone.product, StartMode::kDfu);
    bench.Boot();
    EXPECT_EQ(bench.Refused(), "") << bench.State().last_error.detail;
    EXPECT_EQ(bench.State().stage, Stage::kRestore) << phone.name;
  }
}

}  // namespace
}  // namespace rack
