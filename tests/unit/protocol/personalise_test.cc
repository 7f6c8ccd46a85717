#include "station/image4/personalise.h"

#include <gtest/gtest.h>

#include "station/base/digest.h"

namespace station::image4 {
namespace {

// SEQUENCE { "IM4P", "dtre", "v1", OCTET STRING of `size` bytes }.
std::vector<std::uint8_t> MakePayload(const std::string& type, std::size_t size) {
  std::vector<std::uint8_t> body = {0x16, 4, 'I', 'M', '4', 'P', 0x16, 4};
  body.insert(body.end(), type.begin(), type.end());
  body.insert(body.end(), {0x16, 2, 'v', '1'});
  const auto octets = DerHeader(0x04, size);
  body.insert(body.end(), octets.begin(), octets.end());
  body.resize(body.size() + size, 0x5A);
  std::vector<std::uint8_t> whole = DerHeader(0x30, body.size());
  whole.insert(whole.end(), body.begin(), body.end());
  return whole;
}

TEST(Personalise, KeepsPayloadAndTicketAsTheyAre) {
  const auto payload = MakePayload("ibec", 300);
  const std::vector<std::uint8_t> ticket = {0x30, 3, 1, 1, 0xFF};
  const auto image = Personalised::Make(payload, ticket, std::nullopt);
  ASSERT_TRUE(image);
  const auto whole = image->Assemble();
  EXPECT_EQ(whole.size(), image->Size());
  const auto outer = ReadOnly(whole, kSequence);
  ASSERT_TRUE(outer);
  DerReader reader(outer->content);
  EXPECT_TRUE(reader.Expect("IMG4"));
  const auto inner = reader.Next(kSequence);
  ASSERT_TRUE(inner);
  EXPECT_TRUE(std::ranges::equal(inner->whole, payload));
  const auto context = reader.Next();
  ASSERT_TRUE(context);
  EXPECT_EQ(context->tag_class, TagClass::kContext);
  EXPECT_TRUE(std::ranges::equal(context->content, ticket));
  EXPECT_TRUE(reader.AtEnd());
}

TEST(Personalise, PatchedTypeChangesTheDigestAndNothingElse) {
  const auto payload = MakePayload("dtre", 70000);
  auto patched = payload;
  const auto head = ReadPayloadHead(payload);
  ASSERT_TRUE(head);
  std::ranges::copy(std::string_view("rdtr"), patched.begin() + static_cast<std::ptrdiff_t>(head->type_offset));
  EXPECT_EQ(PayloadDigest(payload, "rdtr", 48).value(), DigestOf(DigestKind::kSha384, patched));
  EXPECT_EQ(PayloadDigest(payload, std::nullopt, 20).value(), DigestOf(DigestKind::kSha1, payload));
  EXPECT_EQ(PatchedType("RestoreDeviceTree"), "rdtr");
  EXPECT_EQ(PatchedType("DeviceTree"), std::nullopt);
}

TEST(Personalise, RefusesWhatIsNoPayload) {
  const std::vector<std::uint8_t> zip = {'P', 'K', 3, 4, 0, 0, 0, 0};
  EXPECT_EQ(Personalised::Make(zip, {}, std::nullopt).error().code, ErrorCode::kFirmwareMalformed);
  EXPECT_EQ(PayloadDigest(MakePayload("ibec", 8), std::nullopt, 33).error().code, ErrorCode::kFirmwareUnsupported);
}

}  // namespace
}  // namespace station::image4
