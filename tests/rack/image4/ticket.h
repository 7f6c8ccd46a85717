#pragma once
// IM4M: the signed manifest ("ticket"). SEQUENCE { "IM4M", 0, SET { MANB }, signature, SEQUENCE of
// certificates }.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/rack/image4/der.h"
#include "tests/rack/wire/value.h"

namespace rack {

// A set of properties, keyed by four-cc; the values are DER elements.
class PropertySet {
 public:
  [[nodiscard]] static std::optional<PropertySet> Read(der::Span set_content);
  [[nodiscard]] bool Has(std::string_view name) const {
    return values_.contains(std::string(name));
  }
  [[nodiscard]] std::optional<std::uint64_t> Number(std::string_view name) const;
  [[nodiscard]] std::optional<bool> Flag(std::string_view name) const;
  [[nodiscard]] std::optional<Bytes> Octets(std::string_view name) const;
  // Null when absent.
  [[nodiscard]] const der::Element* Find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, der::Element, std::less<>>& All() const {
    return values_;
  }

 private:
  std::map<std::string, der::Element, std::less<>> values_;
};

// What a private element holds, SEQUENCE { IA5 name, value }; nothing unless the name repeats the
// tag.
[[nodiscard]] std::optional<std::pair<std::string, der::Element>> ReadKeyed(
    const der::Element& element);

// Views into the ticket's bytes.
struct Ticket {
  PropertySet identity;                           // MANP
  std::map<std::string, PropertySet> components;  // by four-cc
  der::Span signed_part;                          // the SET, tag and length included
  der::Span signature;
  std::vector<der::Span> certificates;  // leaf last
};

// Nothing unless the bytes are exactly one well-formed IM4M whose SETs are in the order of their
// tags and whose properties are octets, integers or booleans.
[[nodiscard]] std::optional<Ticket> ReadTicket(der::Span bytes);

// One keyed element with a SET of properties inside, sorted as DER wants it.
[[nodiscard]] Bytes WriteKeyedSet(std::string_view four_cc,
                                  std::map<std::string, Bytes> properties);
// The SET that is signed: MANB with MANP first, components after it (each written by
// WriteKeyedSet).
[[nodiscard]] Bytes WriteManifestBody(const Bytes& identity,
                                      const std::map<std::string, Bytes>& components);
[[nodiscard]] Bytes WriteTicket(const Bytes& body, der::Span signature,
                                const std::vector<Bytes>& certificates);

}  // namespace rack
