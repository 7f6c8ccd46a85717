#include "tests/rack/restore/baseband.h"

#include <algorithm>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/model/chance.h"
#include "tests/rack/side/baseband.h"
#include "tests/rack/side/ticket.h"

namespace rack {
namespace {

using Parts = std::vector<BasebandPart>;

constexpr const char* kDataType = "BasebandData";
constexpr const char* kComponent = "BasebandFirmware";
constexpr const char* kTicketFile = "bbticket.der";
constexpr const char* kTicketName = "BBTicket";
constexpr const char* kTicketHolder = "ebl.fls";  // of basebands whose firmware is .fls files

constexpr std::uint64_t kLow32 = 0xFFFFFFFF;

// What the phone knows of its baseband's firmware before it has seen any.
struct Expected {
  Baseband baseband;
  Parts parts;
};

std::optional<Expected> Expect(const RestoreRun& run) {
  if (!run.boot.ramdisk) return std::nullopt;
  const BoardFacts facts = FactsFor(*run.boot.ramdisk, run.phone.Spec().product);
  const Value* entry = facts.entries.Find(kComponent);
  auto baseband = BasebandOf(run.phone.Spec(), &facts);
  if (entry == nullptr || !baseband) return std::nullopt;
  auto parts = BasebandParts(*entry, baseband->chip, baseband->certificate);
  if (!parts || parts->empty()) return std::nullopt;
  return Expected{std::move(*baseband), std::move(*parts)};
}

std::expected<ZipMembers, Refusal> Request(RestoreRun& run, const Baseband& baseband,
                                           const Bytes* nonce) {
  Value arguments = Value::Dict{{"ChipID", baseband.chip},
                                {"CertID", baseband.certificate},
                                {"ChipSerialNo", baseband.serial}};
  if (nonce != nullptr) arguments.Set("Nonce", *nonce);
  const auto answer = run.Asynchronous() && run.Host().Async(kDataType)
                          ? run.dialogue.RequestAsync(kDataType, std::move(arguments)).get()
                          : run.dialogue.Request(kDataType, std::move(arguments));
  if (!answer) return std::unexpected(answer.error());
  const Bytes* data = answer->Data("BasebandData");
  if (data == nullptr) return Refused(Reason::kBasebandData, "no BasebandData");
  auto members = ReadZip(*data);
  if (!members) return Refused(Reason::kBasebandData, "BasebandData is no zip");
  return std::move(*members);
}

// The ticket stands before the loader's own data, filled up to a multiple of four.
std::size_t InsertedSize(std::span<const std::uint8_t> data) {
  der::Reader reader(data.subspan(0, std::min<std::size_t>(data.size(), 1U << 16U)));
  const auto ticket = reader.Next(der::Tag::kSequence);
  return ticket ? (ticket->whole.size() + 3) / 4 * 4 : 0;
}

std::expected<BasebandRange, Refusal> Range(const ZipMembers& members, const BasebandPart& part) {
  const auto member = members.find(part.file);
  if (member == members.end()) return Refused(Reason::kBasebandData, part.file + " is missing");
  auto range = RangeOf(part, member->second);
  if (!range) return Refused(Reason::kBasebandData, part.file + " is not of its kind");
  if (part.file == kTicketHolder)
    range->hashed =
        range->hashed.subspan(std::min(InsertedSize(range->hashed), range->hashed.size()));
  return *range;
}

// Every file that the signer has a say in is there and ends in the blob made for these very bytes.
StepResult CheckSigned(const ZipMembers& members, const Expected& expected) {
  for (const BasebandPart& part : expected.parts) {
    if (!part.Signed()) continue;
    const auto range = Range(members, part);
    if (!range) return std::unexpected(range.error());
    const Bytes blob = BlobFor(part, DigestOf(part, range->hashed), expected.baseband.chip,
                               expected.baseband.serial);
    if (!std::ranges::equal(range->blob, blob))
      return Refused(Reason::kBasebandSignature, part.file + " does not end in its signature");
  }
  return {};
}

// Without a nonce only what starts the loader is sent: signed files; of .fls files one.
StepResult CheckLoader(const ZipMembers& members, const Expected& expected) {
  Expected loader = expected;
  std::erase_if(loader.parts, [](const BasebandPart& part) {
    return !part.Signed() || (part.file.ends_with(".fls") && part.element != "RamPSI");
  });
  if (StepResult checked = CheckSigned(members, loader); !checked) return checked;
  for (const auto& [name, data] : members)
    if (std::ranges::find(loader.parts, name, &BasebandPart::file) == loader.parts.end())
      return Refused(Reason::kBasebandData, name + " before there was a nonce");
  return {};
}

std::span<const std::uint8_t> TicketIn(const ZipMembers& members) {
  if (const auto file = members.find(kTicketFile); file != members.end()) return file->second;
  const auto holder = members.find(kTicketHolder);
  if (holder == members.end()) return {};
  const BasebandPart part{.element = {}, .file = kTicketHolder, .blob_key = {}};
  const auto range = RangeOf(part, holder->second);
  if (!range) return {};
  der::Reader reader(range->hashed);
  const auto ticket = reader.Next(der::Tag::kSequence);
  return ticket ? ticket->whole : std::span<const std::uint8_t>();
}

StepResult CheckTicketValues(const RestoreRun& run, const Baseband& baseband, const Bytes& nonce,
                             const Value& bound) {
  if (bound.Number("BbChipID") != baseband.chip)
    return Refused(Reason::kBasebandTicket, "the ticket is for another chip");
  // idevicerestore 1.0.0 writes a certificate id with its top bit set as a negative number.
  if ((bound.Number("BbGoldCertId").value_or(0) & kLow32) != baseband.certificate)
    return Refused(Reason::kBasebandTicket, "the ticket is for another certificate");
  const Bytes* serial = bound.Data("BbSNUM");
  if (serial == nullptr || *serial != baseband.serial)
    return Refused(Reason::kBasebandTicket, "the ticket is for another baseband");
  if (bound.Number("ApECID") != run.phone.Spec().ecid.value)
    return Refused(Reason::kBasebandTicket, "the ticket is for another phone");
  const Bytes* signed_nonce = bound.Data("BbNonce");
  if (signed_nonce == nullptr || *signed_nonce != nonce)
    return Refused(Reason::kUpdaterNonce, "the baseband's ticket has another nonce");
  return {};
}

// All files, each with the digest that the ticket names.
StepResult CheckDigests(const ZipMembers& members, const Expected& expected, const Value& entry) {
  for (const BasebandPart& part : expected.parts) {
    const auto range = Range(members, part);
    if (!range) return std::unexpected(range.error());
    const Bytes* digest = entry.Data(DigestKey(part));
    if (digest == nullptr || *digest != DigestOf(part, range->hashed))
      return Refused(Reason::kBasebandData, part.file + " is not the one the ticket is for");
  }
  return {};
}

std::expected<Bytes, Refusal> CheckFirmware(const RestoreRun& run, const ZipMembers& members,
                                            const Expected& expected, const Bytes& nonce) {
  if (StepResult checked = CheckSigned(members, expected); !checked)
    return std::unexpected(checked.error());
  const auto ticket = TicketIn(members);
  if (ticket.empty()) return Refused(Reason::kBasebandTicket, "no bbticket.der");
  const auto bound = ReadSideTicket(run.phone.Root(), ticket, kTicketName);
  if (!bound) return Refused(Reason::kBasebandTicket, bound.error().detail);
  if (StepResult values = CheckTicketValues(run, expected.baseband, nonce, *bound); !values)
    return std::unexpected(values.error());
  const Value* entry = bound->Find(kComponent);
  if (entry == nullptr) return Refused(Reason::kBasebandTicket, "the ticket is for no firmware");
  if (StepResult digests = CheckDigests(members, expected, *entry); !digests)
    return std::unexpected(digests.error());
  return BasebandDigest(*entry);
}

// The archive around them says when it was made, and differs each time.
void RecordFiles(const RestoreRun& run, const ZipMembers& members) {
  Value files = Value::Dict{};
  for (const auto& [name, bytes] : members) files.Set(name, bytes);
  run.phone.Record("baseband", Toward::kPhone, "files", files);
}

bool Tell(RestoreRun& run, Value output) {
  return run.dialogue.Tell(Value::Dict{
      {"MsgType", "BBUpdateStatusMsg"}, {"Accepted", true}, {"Output", std::move(output)}});
}

}  // namespace

bool BasebandAsked(const RestoreRun& run) {
  if (!run.phone.Spec().updaters) return false;
  const auto expected = Expect(run);
  if (!expected) return false;
  return run.Host().modern || std::ranges::all_of(expected->parts, &BasebandPart::old_hosts);
}

StepResult AskBaseband(RestoreRun& run) {
  const auto expected = Expect(run);
  if (!expected) return {};
  const auto loader = Request(run, expected->baseband, nullptr);
  if (!loader) return std::unexpected(loader.error());
  if (StepResult checked = CheckLoader(*loader, *expected); !checked) return checked;
  const Bytes nonce = run.phone.State().baseband_nonce;
  const auto members = Request(run, expected->baseband, &nonce);
  if (!members) return std::unexpected(members.error());
  RecordFiles(run, *members);
  const auto digest = CheckFirmware(run, *members, *expected, nonce);
  if (!digest) return std::unexpected(digest.error());
  run.phone.ChangeAndSave([&](PhoneState& state) {
    state.firmware[kComponent] = station::ToHex(*digest);
    state.baseband_nonce = Drawn(run.phone.Spec(), "baseband nonce", kBasebandNonceSize);
  });
  const Value done = Value::Dict{{"done", true},
                                 {"CertID", expected->baseband.certificate},
                                 {"ChipID", expected->baseband.chip},
                                 {"provisioning", Value::Dict{{"IMEI", "350000000000006"}}}};
  if (!Tell(run, Value::Dict{{"done", false}}) || !Tell(run, done))
    return Refused(Reason::kHostGone, "working connection closed");
  return {};
}

}  // namespace rack
