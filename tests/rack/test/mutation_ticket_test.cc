// Ways a ticket can be wrong: its signature, its certificates, what it says of the phone and of the
// component.

#include "tests/rack/image4/digest.h"
#include "tests/rack/test/mutation_spoils.h"

namespace rack {
namespace {

constexpr Aftermath kStaysInIboot = {.stage = Stage::kIboot};

Spoil WithoutIdentity(const char* name) {
  return Plan([=](TicketPlan& plan) { plan.identity.erase(name); });
}
Spoil OfIbec(const char* name, Bytes value) {
  return Plan([=](TicketPlan& plan) { plan.components["ibec"][name] = value; });
}
Spoil Body(std::function<Bytes(const TicketPlan&)> write) {
  return Plan([=](TicketPlan& plan) { plan.write_body = write; });
}

Spoil BitOfIdentity(const char* name) {
  return BitOf([name](const Ticket& ticket) { return ticket.identity.Find(name)->whole; });
}

const SigningKeys& Keys() { return TestSigner().Keys(); }

std::uint32_t OtherChip(const Product& product) {
  return product.generation.hash == HashKind::kSha1 ? 0x8003 : 0x8010;
}

void SignForAnotherChip(BootBench& bench) {
  Requested("ApChipID", std::uint64_t{OtherChip(bench.GetProduct())})(bench);
}

void LeafOfAnotherChip(BootBench& bench) {
  const Product& product = bench.GetProduct();
  bench.spoil_plan = [&product](TicketPlan& plan) {
    plan.certificates = Keys().Chain(product.generation, OtherChip(product));
  };
}

// The digest kind of the other generation, over the right bytes, under this generation's signature.
void DigestOfTheOtherGeneration(BootBench& bench) {
  const bool sha1 = bench.GetGeneration().hash == HashKind::kSha1;
  const Bytes digest =
      Hash(sha1 ? HashKind::kSha384 : HashKind::kSha1, bench.parts.at("iBEC").payload);
  OfIbec("DGST", der::Octets(digest))(bench);
}

// A leaf that would allow any epoch: then the phone's own fuses decide.
void EpochBelowTheFuses(BootBench& bench) {
  const Product& product = bench.GetProduct();
  const Bytes any = der::Wrap(der::Tag::kContext0, der::Wrap(der::Tag::kNull, {}));
  const Bytes constraints =
      der::Wrap(der::Tag::kSet, der::Join({WriteKeyedSet("MANP", {{"CEPO", any}, {"CHIP", any}}),
                                           WriteKeyedSet("OBJP", {{"DGST", any}})}));
  bench.spoil_plan = [=](TicketPlan& plan) {
    plan.identity["CEPO"] = der::Number(0);
    plan.certificates =
        Keys().ChainWith(product.generation, product.chip, {.constraints = constraints});
  };
}

// The phone restarts between the ticket and the upload.
void NonceOfAnotherBoot(BootBench& bench) {
  bench.before_moves = [](BootBench& ready) { ready.Ask(Event::kReboot); };
}

void SignForAnotherSepBoot(BootBench& bench) { Requested("SepNonce", Bytes(20, 0x5E))(bench); }

Bytes SetOf(const std::vector<Bytes>& parts) {
  return der::Wrap(der::Tag::kSet, der::Keyed("MANB", der::Wrap(der::Tag::kSet, der::Join(parts))));
}
Bytes IdentityOf(const TicketPlan& plan) { return WriteKeyedSet("MANP", plan.identity); }
Bytes ComponentOf(const TicketPlan& plan, const char* type) {
  return WriteKeyedSet(type, plan.components.at(type));
}

class TicketMutation : public BootMutation {};
TEST_P(TicketMutation, IsRefused) { Judge(); }

INSTANTIATE_TEST_SUITE_P(
    Signed, TicketMutation,
    testing::Combine(
        testing::Values(
            Mutation{"SignatureBit", "reference 4.7 step 3", Reason::kSignature, kStaysInIboot,
                     "go", BitOf([](const Ticket& ticket) { return ticket.signature; })},
            Mutation{"EcidBit", "reference 4.7 step 3", Reason::kSignature, kStaysInIboot, "go",
                     BitOfIdentity("ECID")},
            Mutation{"NonceBit", "reference 4.7 step 3", Reason::kSignature, kStaysInIboot, "go",
                     BitOfIdentity("BNCH")},
            Mutation{"DigestBit", "reference 4.7 step 3", Reason::kSignature, kStaysInIboot, "go",
                     BitOf([](const Ticket& ticket) {
                       return ticket.components.at("ibec").Find("DGST")->whole;
                     })},
            Mutation{"CertificateBit", "reference 4.7 step 2", Reason::kChain, kStaysInIboot, "go",
                     BitOf([](const Ticket& ticket) { return ticket.certificates.back(); })},
            Mutation{"FirstCertificateBit", "reference 4.7 step 2", Reason::kChain, kStaysInIboot,
                     "go", BitOf([](const Ticket& ticket) { return ticket.certificates.front(); })},
            Mutation{"NoCertificate", "reference 4.7 step 2", Reason::kChain, kStaysInIboot, "go",
                     Plan([](TicketPlan& plan) { plan.certificates.clear(); })},
            Mutation{"LeafFirst", "reference 4.3: leaf last", Reason::kChain, kStaysInIboot, "go",
                     Plan([](TicketPlan& plan) {
                       plan.certificates.insert(plan.certificates.begin(),
                                                plan.certificates.back());
                     })},
            Mutation{"ForeignRoot", "reference 4.7 step 2", Reason::kChain, kStaysInIboot, "go",
                     Leaf(ForeignLeaf)},
            Mutation{"OtherGeneration", "reference 4.3", Reason::kChain, kStaysInIboot, "go",
                     SignWithTheOtherGeneration},
            Mutation{"LeafWithoutConstraints", "reference 4.7 step 2", Reason::kConstraints,
                     kStaysInIboot, "go", Leaf([](std::uint32_t) { return LeafShape{}; })},
            Mutation{"LeafWithEmptyConstraints", "reference 4.7 step 2, inferred",
                     Reason::kConstraints, kStaysInIboot, "go", Leaf([](std::uint32_t) {
                       return LeafShape{.constraints = der::Wrap(der::Tag::kSet, {})};
                     })},
            Mutation{"LeafOfAnotherChip", "reference 4.7 step 2", Reason::kConstraints,
                     kStaysInIboot, "go", LeafOfAnotherChip}),
        testing::Values(kA9, kA11)),
    RowName);

INSTANTIATE_TEST_SUITE_P(
    Identity, TicketMutation,
    testing::Combine(
        testing::Values(Mutation{"NonceOfAnotherBoot", "reference 4.7 step 4, 12.2", Reason::kNonce,
                                 kStaysInIboot, "go", NonceOfAnotherBoot},
                        Mutation{"EmptyNonce", "reference 4.7 step 4", Reason::kNonce,
                                 kStaysInIboot, "go", Identity("BNCH", der::Octets({}))},
                        Mutation{"NoNonce", "reference 4.7 steps 2 and 4", Reason::kConstraints,
                                 kStaysInIboot, "go", WithoutIdentity("BNCH")},
                        Mutation{"OtherEcid", "reference 4.7 step 4", Reason::kEcid, kStaysInIboot,
                                 "go", Requested("ApECID", std::uint64_t{0xABD})},
                        Mutation{"OtherChip", "reference 4.7 step 4", Reason::kChip, kStaysInIboot,
                                 "go", SignForAnotherChip},
                        Mutation{"OtherBoard", "reference 4.7 step 4", Reason::kBoard,
                                 kStaysInIboot, "go", Requested("ApBoardID", std::uint64_t{0x3E})},
                        Mutation{"OtherDomain", "reference 4.7 step 2", Reason::kConstraints,
                                 kStaysInIboot, "go",
                                 Requested("ApSecurityDomain", std::uint64_t{0})},
                        Mutation{"EpochZero", "reference 4.7 step 2", Reason::kConstraints,
                                 kStaysInIboot, "go", Identity("CEPO", der::Number(0))},
                        Mutation{"EpochBelowTheFuses", "reference 4.7 step 4", Reason::kMode,
                                 kStaysInIboot, "go", EpochBelowTheFuses},
                        Mutation{"NotForProduction", "reference 4.7 step 4", Reason::kMode,
                                 kStaysInIboot, "go", Identity("CPRO", der::Flag(false))},
                        Mutation{"NotSecure", "reference 4.7 step 4", Reason::kMode, kStaysInIboot,
                                 "go", Identity("CSEC", der::Flag(false))}),
        testing::Values(kA9, kA11)),
    RowName);

INSTANTIATE_TEST_SUITE_P(
    Component, TicketMutation,
    testing::Combine(
        testing::Values(
            Mutation{"NotInTheTicket", "reference 4.7 step 5", Reason::kType, kStaysInIboot, "go",
                     Plan([](TicketPlan& plan) { plan.components.erase("ibec"); })},
            Mutation{"EproFalse", "reference 4.7 step 5", Reason::kMode, kStaysInIboot, "go",
                     OfIbec("EPRO", der::Flag(false))},
            Mutation{"EsecFalse", "reference 4.7 step 5", Reason::kMode, kStaysInIboot, "go",
                     OfIbec("ESEC", der::Flag(false))},
            Mutation{"NoDigest", "reference 4.7 steps 2 and 6", Reason::kConstraints, kStaysInIboot,
                     "go", Plan([](TicketPlan& plan) { plan.components["ibec"].erase("DGST"); })},
            Mutation{"DigestOfAnotherBuild", "reference 4.7 step 6", Reason::kDigest, kStaysInIboot,
                     "go",
                     [](BootBench& bench) {
                       const std::size_t size = DigestSize(bench.GetGeneration().hash);
                       OfIbec("DGST", der::Octets(Bytes(size, 0x77)))(bench);
                     }},
            Mutation{"DigestOfTheOtherGeneration", "reference 4.5", Reason::kDigest, kStaysInIboot,
                     "go", DigestOfTheOtherGeneration},
            Mutation{"StaleSepNonce", "reference 4.7 step 4: SEP checks snon", Reason::kSepNonce,
                     Aftermath{.stage = Stage::kIbec}, "rsepfirmware", SignForAnotherSepBoot}),
        testing::Values(kA9, kA11)),
    RowName);

INSTANTIATE_TEST_SUITE_P(
    Form, TicketMutation,
    testing::Combine(
        testing::Values(
            Mutation{"ComponentTwice", "reference 4.3", Reason::kMalformed, kStaysInIboot, "go",
                     Body([](const TicketPlan& plan) {
                       return SetOf({IdentityOf(plan), ComponentOf(plan, "ibec"),
                                     ComponentOf(plan, "ibec")});
                     })},
            Mutation{"ComponentsOutOfOrder", "reference 4.3: SETs are sorted, inferred",
                     Reason::kMalformed, kStaysInIboot, "go", Body([](const TicketPlan& plan) {
                       return SetOf({IdentityOf(plan), ComponentOf(plan, "rkrn"),
                                     ComponentOf(plan, "ibec")});
                     })},
            Mutation{
                "NoIdentity", "reference 4.3", Reason::kMalformed, kStaysInIboot, "go",
                Body([](const TicketPlan& plan) { return SetOf({ComponentOf(plan, "ibec")}); })},
            Mutation{"NameOtherThanItsTag", "reference 4.1, inferred", Reason::kMalformed,
                     kStaysInIboot, "go", Body([](const TicketPlan& plan) {
                       Bytes body = TicketPlan::WriteBody(plan);
                       const Bytes name = der::Text("ECID");
                       *(std::ranges::search(body, name).begin() + 2) = 'F';
                       return body;
                     })},
            Mutation{"PropertyOfAnotherType", "reference 4.3, inferred", Reason::kMalformed,
                     kStaysInIboot, "go", Identity("love", der::Text("19.8"))},
            Mutation{
                "BytesAfterTheCertificates", "reference 4.7 step 1", Reason::kMalformed,
                kStaysInIboot, "go",
                [](BootBench& bench) {
                  bench.spoil_ticket = [](Bytes& ticket) {
                    const auto whole = der::Whole(ticket, der::Tag::kSequence);
                    const Bytes content(whole->content.begin(), whole->content.end());
                    ticket = der::Wrap(der::Tag::kSequence, der::Join({content, der::Flag(true)}));
                  };
                }}),
        testing::Values(kA9, kA11)),
    RowName);

}  // namespace
}  // namespace rack
