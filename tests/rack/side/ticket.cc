#include "tests/rack/side/ticket.h"

#include <algorithm>

#include "tests/rack/image4/ticket.h"

namespace rack {
namespace {

constexpr const char* kName = "snam";
constexpr const char* kBound = "sval";
// Leaves speak for one chip; there is none of this number, so that no boot stage takes such a
// ticket for one of its own.
constexpr std::uint32_t kNoChip = 0;

// Always of the newer kind, whatever the phone's own chip is.
Generation SideGeneration() { return Generation{.hash = HashKind::kSha384}; }

std::unexpected<Refusal> Refuse(std::string_view name, const char* why) {
  return std::unexpected(Refusal{Reason::kUpdaterTicket, std::string(name) + ": " + why});
}

// Keys in order, so that equal requests get equal tickets whoever wrote them.
Value Sorted(const Value& value) {
  if (value.AsDict() == nullptr) return value;
  Value::Dict sorted;
  for (const auto& [key, item] : *value.AsDict()) sorted.emplace_back(key, Sorted(item));
  std::ranges::sort(sorted, {}, [](const auto& entry) { return entry.first; });
  return sorted;
}

}  // namespace

Bytes WriteSideTicket(const SigningKeys& keys, std::string_view name, const Value& bound) {
  const std::string list = Sorted(bound).ToBinary();
  // What a leaf asks for besides the chip, at its plainest.
  const Bytes identity = WriteKeyedSet("MANP", {{"BNCH", der::Octets({})},
                                                {"BORD", der::Number(0)},
                                                {"CEPO", der::Number(1)},
                                                {"CHIP", der::Number(kNoChip)},
                                                {"CPRO", der::Flag(true)},
                                                {"CSEC", der::Flag(true)},
                                                {"ECID", der::Number(0)},
                                                {"SDOM", der::Number(1)},
                                                {"snon", der::Octets({})},
                                                {kName, der::Octets(AsBytes(name))},
                                                {kBound, der::Octets(AsBytes(list))}});
  const Bytes body = WriteManifestBody(identity, {});
  return WriteTicket(body, keys.Sign(body, SideGeneration()),
                     keys.Chain(SideGeneration(), kNoChip));
}

std::expected<Value, Refusal> ReadSideTicket(const RootOfTrust& root,
                                             std::span<const std::uint8_t> bytes,
                                             std::string_view name) {
  const auto ticket = ReadTicket(bytes);
  if (!ticket) return Refuse(name, "not a ticket");
  if (!root.Check(*ticket, SideGeneration()))
    return Refuse(name, "not signed by this phone's root");
  const auto is = ticket->identity.Octets(kName);
  if (!is || AsText(*is) != name) return Refuse(name, "a ticket of another kind");
  const auto list = ticket->identity.Octets(kBound);
  auto bound = list ? Value::Parse(*list) : station::Result<Value>(Value());
  if (!bound || bound->AsDict() == nullptr) return Refuse(name, "binds nothing that can be read");
  return std::move(*bound);
}

}  // namespace rack
