#include "tests/rack/image4/ticket.h"

#include <algorithm>

namespace rack {
namespace {

std::optional<std::vector<std::pair<std::string, der::Element>>> ReadKeyedSet(
    der::Span set_content) {
  std::vector<std::pair<std::string, der::Element>> entries;
  std::uint32_t previous = 0;
  der::Reader reader(set_content);
  while (!reader.AtEnd()) {
    const auto element = reader.Next();
    auto keyed = element ? ReadKeyed(*element) : std::nullopt;
    if (!keyed || element->four_cc <= previous)
      return std::nullopt;  // also refuses a name given twice
    previous = element->four_cc;
    entries.push_back(std::move(*keyed));
  }
  return entries;
}

bool IsPlain(const der::Element& value) {
  return value.Is(der::Tag::kOctets) || der::FlagOf(value) || der::NumberOf(value);
}

std::optional<PropertySet> ReadPlainSet(const der::Element& element) {
  if (!element.Is(der::Tag::kSet)) return std::nullopt;
  auto set = PropertySet::Read(element.content);
  const bool plain = set && std::ranges::all_of(set->All(), [](const auto& property) {
                       return IsPlain(property.second);
                     });
  return plain ? std::move(set) : std::nullopt;
}

}  // namespace

std::optional<std::pair<std::string, der::Element>> ReadKeyed(const der::Element& element) {
  if (!element.IsPrivate()) return std::nullopt;
  const auto sequence = der::Whole(element.content, der::Tag::kSequence);
  if (!sequence) return std::nullopt;
  der::Reader reader(sequence->content);
  auto name = reader.NextText();
  const auto value = reader.Next();
  if (!name || name->size() != 4 || der::FourCc(*name) != element.four_cc || !value ||
      !reader.AtEnd())
    return std::nullopt;
  return std::pair(std::move(*name), *value);
}

std::optional<PropertySet> PropertySet::Read(der::Span set_content) {
  const auto entries = ReadKeyedSet(set_content);
  if (!entries) return std::nullopt;
  PropertySet set;
  for (const auto& [name, value] : *entries) set.values_.emplace(name, value);
  return set;
}

const der::Element* PropertySet::Find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> PropertySet::Number(std::string_view name) const {
  const auto* element = Find(name);
  return element == nullptr ? std::nullopt : der::NumberOf(*element);
}

std::optional<bool> PropertySet::Flag(std::string_view name) const {
  const auto* element = Find(name);
  return element == nullptr ? std::nullopt : der::FlagOf(*element);
}

std::optional<Bytes> PropertySet::Octets(std::string_view name) const {
  const auto* element = Find(name);
  if (element == nullptr || !element->Is(der::Tag::kOctets)) return std::nullopt;
  return Bytes(element->content.begin(), element->content.end());
}

std::optional<Ticket> ReadTicket(der::Span bytes) {
  const auto whole = der::Whole(bytes, der::Tag::kSequence);
  if (!whole) return std::nullopt;
  der::Reader reader(whole->content);
  if (reader.NextText() != "IM4M" || reader.NextNumber() != 0) return std::nullopt;
  const auto body = reader.Next(der::Tag::kSet);
  const auto signature = reader.Next(der::Tag::kOctets);
  const auto certificates = reader.Next(der::Tag::kSequence);
  if (!body || !signature || !certificates || !reader.AtEnd()) return std::nullopt;

  Ticket ticket;
  ticket.signed_part = body->whole;
  ticket.signature = signature->content;
  der::Reader chain(certificates->content);
  while (!chain.AtEnd()) {
    const auto certificate = chain.Next(der::Tag::kSequence);
    if (!certificate) return std::nullopt;
    ticket.certificates.push_back(certificate->whole);
  }

  const auto outer = ReadKeyedSet(body->content);
  if (!outer || outer->size() != 1 || outer->front().first != "MANB" ||
      !outer->front().second.Is(der::Tag::kSet))
    return std::nullopt;
  const auto entries = ReadKeyedSet(outer->front().second.content);
  if (!entries || entries->empty() || entries->front().first != "MANP") return std::nullopt;
  for (const auto& [name, element] : *entries) {
    auto set = ReadPlainSet(element);
    if (!set) return std::nullopt;
    if (name == "MANP")
      ticket.identity = std::move(*set);
    else
      ticket.components.emplace(name, std::move(*set));
  }
  return ticket;
}

Bytes WriteKeyedSet(std::string_view four_cc, std::map<std::string, Bytes> properties) {
  Bytes content;
  for (const auto& [name, value] : properties) {
    const Bytes element = der::Keyed(name, value);
    content.insert(content.end(), element.begin(), element.end());
  }
  return der::Keyed(four_cc, der::Wrap(der::Tag::kSet, content));
}

Bytes WriteManifestBody(const Bytes& identity, const std::map<std::string, Bytes>& components) {
  Bytes content = identity;
  for (const auto& [name, element] : components)
    content.insert(content.end(), element.begin(), element.end());
  return der::Wrap(der::Tag::kSet, der::Keyed("MANB", der::Wrap(der::Tag::kSet, content)));
}

Bytes WriteTicket(const Bytes& body, der::Span signature, const std::vector<Bytes>& certificates) {
  const Bytes content = der::Join({der::Text("IM4M"), der::Number(0), body, der::Octets(signature),
                                   der::Wrap(der::Tag::kSequence, der::Join(certificates))});
  return der::Wrap(der::Tag::kSequence, content);
}

}  // namespace rack
