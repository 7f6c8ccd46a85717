// Ways an uploaded image can be wrong around its ticket: its bytes, its form, what it carries
// besides.

#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/payload.h"
#include "tests/rack/test/mutation_spoils.h"

namespace rack {
namespace {

constexpr Aftermath kStaysInIboot = {.stage = Stage::kIboot};

// iBEC with its parts put together in another way.
Spoil Stitched(std::function<Bytes(const Bytes& payload, const Bytes& ticket)> stitch) {
  return [stitch](BootBench& bench) {
    bench.spoil_image["iBEC"] = [stitch, &bench](Bytes& img4) {
      img4 = stitch(bench.parts.at("iBEC").payload, bench.BootTicket());
    };
  };
}

// iBEC is another file than the signed one.
Spoil Payload(std::function<void(Bytes&)> change) {
  return Stitched([change](Bytes payload, const Bytes& ticket) {
    change(payload);
    return Stitch(payload, ticket);
  });
}

// iBEC with an IM4R of these properties.
Spoil WithInfo(std::vector<Bytes> properties) {
  return Stitched([properties](const Bytes& payload, const Bytes& ticket) {
    const Bytes set = der::Wrap(der::Tag::kSet, der::Join(properties));
    return StitchWith(payload, ticket,
                      der::Wrap(der::Tag::kSequence, der::Join({der::Text("IM4R"), set})));
  });
}

Bytes Joined(const char* magic, const std::vector<Bytes>& parts) {
  std::vector<Bytes> all{der::Text(magic)};
  all.insert(all.end(), parts.begin(), parts.end());
  return der::Wrap(der::Tag::kSequence, der::Join(all));
}

// The outer header with its length written in one byte more than needed.
void LengthenHeader(Bytes& img4) {
  const std::size_t count = img4[1] & 0x7FU;
  img4[1] = static_cast<std::uint8_t>(0x80U | (count + 1));
  img4.insert(img4.begin() + 2, 0);
}

void MakeIndefinite(Bytes& img4) {
  const std::size_t header = 2 + (img4[1] & 0x7FU);
  img4.erase(img4.begin() + 1, img4.begin() + static_cast<std::ptrdiff_t>(header));
  img4.insert(img4.begin() + 1, 0x80);
  img4.insert(img4.end(), {0, 0});
}

// The last byte of the outer length, or of the payload's data, says one more or less.
void OuterLength(Bytes& img4, int by) {
  std::uint8_t& last = img4[1 + (img4[1] & 0x7FU)];
  last = static_cast<std::uint8_t>(last + by);
}
void DataLength(Bytes& payload, int by) {
  const auto data = ReadPayload(payload)->data;
  std::uint8_t& last = payload[static_cast<std::size_t>(data.data() - payload.data()) - 1];
  last = static_cast<std::uint8_t>(last + by);
}

void SwapDescription(Bytes& payload) {
  const auto read = ReadPayload(payload);
  payload = WritePayload(read->type, "other", Bytes(read->data.begin(), read->data.end()));
}

// Keybags: the data is encrypted, and the ticket does not allow the key that would open it.
void EncryptWithoutKey(BootBench& bench) {
  Bytes& payload = bench.parts.at("iBEC").payload;
  const auto whole = der::Whole(payload, der::Tag::kSequence);
  const Bytes content(whole->content.begin(), whole->content.end());
  payload = der::Wrap(der::Tag::kSequence, der::Join({content, der::Octets(Bytes(100, 1))}));
  bench.spoil_plan = [](TicketPlan& plan) { plan.components["ibec"]["EKEY"] = der::Flag(false); };
}

Bytes Generator(std::uint8_t first) { return {first, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11}; }

class ImageMutation : public BootMutation {};
TEST_P(ImageMutation, IsRefused) { Judge(); }

INSTANTIATE_TEST_SUITE_P(
    Bytes, ImageMutation,
    testing::Combine(
        testing::Values(
            Mutation{"PayloadBit", "reference 4.7 step 6", Reason::kDigest, kStaysInIboot, "go",
                     Payload([](Bytes& payload) { payload.back() ^= 1U; })},
            Mutation{"OtherDescription", "reference 4.5: the whole IM4P", Reason::kDigest,
                     kStaysInIboot, "go", Payload(SwapDescription)},
            Mutation{"OtherBuild", "reference 4.7 step 6", Reason::kDigest, kStaysInIboot, "go",
                     Payload([](Bytes& payload) {
                       payload = WritePayload("ibec", "test", Bytes(700, 0xEE));
                     })},
            Mutation{"PatchedType", "reference 2.8, 4.7 step 5", Reason::kType, kStaysInIboot, "go",
                     Payload([](Bytes& payload) { PatchType(payload, "ibss"); })},
            Mutation{"TypeBit", "reference 2.8, 4.7 step 5", Reason::kType, kStaysInIboot, "go",
                     Payload([](Bytes& payload) { PatchType(payload, "ibeb"); })},
            Mutation{"TruncatedUpload", "reference 4.7 step 1", Reason::kMalformed, kStaysInIboot,
                     "go", Image("iBEC", [](Bytes& img4) { img4.resize(img4.size() - 100); })},
            Mutation{"HeaderAlone", "reference 4.7 step 1", Reason::kMalformed, kStaysInIboot, "go",
                     Image("iBEC", [](Bytes& img4) { img4.resize(4); })},
            Mutation{"TrailingByte", "reference 4.7 step 1", Reason::kMalformed, kStaysInIboot,
                     "go", Image("iBEC", [](Bytes& img4) { img4.push_back(0); })},
            Mutation{"NoDerAtAll", "reference 4.7 step 1", Reason::kMalformed, kStaysInIboot, "go",
                     Image("iBEC", [](Bytes& img4) { img4.assign(5000, 0xEE); })}),
        testing::Values(kA9, kA11)),
    RowName);

INSTANTIATE_TEST_SUITE_P(
    Form, ImageMutation,
    testing::Combine(
        testing::Values(
            Mutation{"OuterLengthTooLong", "reference 4.7 step 1", Reason::kMalformed,
                     kStaysInIboot, "go", Image("iBEC", [](Bytes& img4) { OuterLength(img4, 1); })},
            Mutation{"OuterLengthTooShort", "reference 4.7 step 1", Reason::kMalformed,
                     kStaysInIboot, "go",
                     Image("iBEC", [](Bytes& img4) { OuterLength(img4, -1); })},
            Mutation{"DataLengthTooLong", "reference 4.7 step 1", Reason::kMalformed, kStaysInIboot,
                     "go", Payload([](Bytes& payload) { DataLength(payload, 1); })},
            Mutation{"DataLengthTooShort", "reference 4.7 step 1", Reason::kMalformed,
                     kStaysInIboot, "go", Payload([](Bytes& payload) { DataLength(payload, -1); })},
            Mutation{"LengthNotMinimal", "reference 4.1: minimal lengths, inferred",
                     Reason::kMalformed, kStaysInIboot, "go", Image("iBEC", LengthenHeader)},
            Mutation{"LengthIndefinite", "reference 4.1: definite lengths, inferred",
                     Reason::kMalformed, kStaysInIboot, "go", Image("iBEC", MakeIndefinite)},
            Mutation{"OtherMagic", "reference 4.7 step 1", Reason::kMalformed, kStaysInIboot, "go",
                     Stitched([](const Bytes& payload, const Bytes& ticket) {
                       return Joined("IMG3", {payload, der::Wrap(der::Tag::kContext0, ticket)});
                     })},
            Mutation{"NoTicket", "reference 4.7 step 1: [0] present", Reason::kMalformed,
                     kStaysInIboot, "go", Stitched([](const Bytes& payload, const Bytes&) {
                       return Joined("IMG4", {payload});
                     })},
            Mutation{"BarePayload", "reference 2.2: a complete IMG4", Reason::kMalformed,
                     kStaysInIboot, "go",
                     Stitched([](const Bytes& payload, const Bytes&) { return payload; })},
            Mutation{"TicketInContext1", "reference 4.4", Reason::kMalformed, kStaysInIboot, "go",
                     Stitched([](const Bytes& payload, const Bytes& ticket) {
                       return Joined("IMG4", {payload, der::Wrap(der::Tag::kContext1, ticket)});
                     })},
            Mutation{"TicketUnwrapped", "reference 4.4", Reason::kMalformed, kStaysInIboot, "go",
                     Stitched([](const Bytes& payload, const Bytes& ticket) {
                       return Joined("IMG4", {payload, ticket});
                     })},
            Mutation{"EncryptedWithoutEkey", "reference 4.7 step 5", Reason::kMode, kStaysInIboot,
                     "go", EncryptWithoutKey}),
        testing::Values(kA9, kA11)),
    RowName);

INSTANTIATE_TEST_SUITE_P(
    RestoreInfo, ImageMutation,
    testing::Combine(
        testing::Values(
            Mutation{"GeneratorOfAnotherNonce", "reference 4.7 step 7", Reason::kNonce,
                     kStaysInIboot, "go",
                     WithInfo({der::Keyed("BNCN", der::Octets(Generator(0x12)))})},
            Mutation{"GeneratorTooLong", "reference 4.4: 8 bytes", Reason::kMalformed,
                     kStaysInIboot, "go",
                     WithInfo({der::Keyed("BNCN", der::Octets(Bytes(9, 0x11)))})},
            Mutation{"UnknownProperty", "reference 4.4, inferred", Reason::kMalformed,
                     kStaysInIboot, "go", WithInfo({der::Keyed("abcd", der::Number(1))})},
            Mutation{"SlotAsOctets", "reference 4.4", Reason::kMalformed, kStaysInIboot, "go",
                     WithInfo({der::Keyed("anid", der::Octets(Bytes(1)))})},
            Mutation{
                "SlotTwice", "reference 4.4, inferred", Reason::kMalformed, kStaysInIboot, "go",
                WithInfo({der::Keyed("anid", der::Number(0)), der::Keyed("anid", der::Number(0))})},
            Mutation{"UconWithoutUcer", "reference 4.4: both or none", Reason::kMalformed,
                     kStaysInIboot, "go", WithInfo({der::Keyed("ucon", der::Octets(Bytes(32)))})},
            Mutation{"NotAnIm4r", "reference 4.4", Reason::kMalformed, kStaysInIboot, "go",
                     Stitched([](const Bytes& payload, const Bytes& ticket) {
                       return StitchWith(payload, ticket, der::Text("IM4R"));
                     })}),
        testing::Values(kA9, kA11)),
    RowName);

// What looks odd but is right: real clients do it, and phones boot it.
struct Oddity {
  const char* name;
  const char* reference;
  Spoil make;
};
void PrintTo(const Oddity& row, std::ostream* out) { *out << row.name; }

class OddImage : public testing::TestWithParam<std::tuple<Oddity, TestPhone>> {};

TEST_P(OddImage, Boots) {
  const auto& [row, phone] = GetParam();
  BootBench bench(phone.product);
  bench.GetPhone().Change([&](PhoneState& state) {
    state.ap_nonce = NonceFrom(Generator(0x11), bench.GetGeneration());
  });
  row.make(bench);
  bench.Boot();
  EXPECT_EQ(bench.Refused(), "") << row.reference << bench.State().last_error.detail;
  EXPECT_EQ(bench.State().stage, Stage::kRestore);
}

INSTANTIATE_TEST_SUITE_P(
    Table, OddImage,
    testing::Combine(
        testing::Values(Oddity{"NothingOdd", "reference 2.4", [](BootBench&) {}},
                        Oddity{"GeneratorOfTheNonce", "reference 4.7 step 7",
                               WithInfo({der::Keyed("BNCN", der::Octets(Generator(0x11)))})},
                        Oddity{"UconBeforeUcer", "reference 4.4: the order clients write",
                               WithInfo({der::Keyed("anid", der::Number(0)),
                                         der::Keyed("ucon", der::Octets(Bytes(32))),
                                         der::Keyed("ucer", der::Octets(Bytes(32)))})},
                        Oddity{"ExpiredLeaf",
                               "chips know no clock; the leaves of real A7 to A9 tickets expired",
                               [](BootBench& bench) {
                                 const Product& product = bench.GetProduct();
                                 bench.spoil_plan = [&product](TicketPlan& plan) {
                                   plan.certificates = TestSigner().Keys().ChainWith(
                                       product.generation, product.chip,
                                       {.constraints = WriteLeafConstraints(product.chip),
                                        .expired = true});
                                 };
                               }}),
        testing::Values(kA9, kA11)),
    [](const auto& row) {
      return std::string(std::get<0>(row.param).name) + "_" + std::get<1>(row.param).name;
    });

}  // namespace
}  // namespace rack
