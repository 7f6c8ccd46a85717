#include "tests/rack/image4/constraints.h"

#include <algorithm>

namespace rack {
namespace {

// [0] { NULL }
Bytes AnyValue() { return der::Wrap(der::Tag::kContext0, der::Wrap(der::Tag::kNull, {})); }

std::optional<PropertySet> ReadGroup(const der::Element& group, std::string_view name) {
  const auto sequence = der::Whole(group.content, der::Tag::kSequence);
  if (!sequence || !group.IsPrivate() || group.four_cc != der::FourCc(name)) return std::nullopt;
  der::Reader reader(sequence->content);
  if (reader.NextText() != name) return std::nullopt;
  const auto set = reader.Next(der::Tag::kSet);
  return set && reader.AtEnd() ? PropertySet::Read(set->content) : std::nullopt;
}

bool Meets(const der::Element& constraint, const der::Element* stated) {
  if (constraint.Is(der::Tag::kContext1)) return true;
  if (stated == nullptr) return false;
  return constraint.Is(der::Tag::kContext0) || std::ranges::equal(constraint.whole, stated->whole);
}

bool MeetsAll(const PropertySet& constraints, const PropertySet& stated) {
  return std::ranges::all_of(constraints.All(), [&](const auto& constraint) {
    return Meets(constraint.second, stated.Find(constraint.first));
  });
}

}  // namespace

std::optional<LeafConstraints> LeafConstraints::Read(der::Span extension) {
  const auto bytes = std::make_shared<const Bytes>(extension.begin(), extension.end());
  const auto set = der::Whole(*bytes, der::Tag::kSet);
  if (!set) return std::nullopt;
  der::Reader groups(set->content);
  const auto first = groups.Next();
  const auto second = groups.Next();
  if (!first || !second || !groups.AtEnd()) return std::nullopt;
  auto identity = ReadGroup(*first, "MANP");
  auto object = ReadGroup(*second, "OBJP");
  if (!identity || !object) return std::nullopt;
  LeafConstraints constraints;
  constraints.bytes_ = bytes;
  constraints.identity_ = std::move(*identity);
  constraints.object_ = std::move(*object);
  return constraints;
}

bool LeafConstraints::AllowIdentity(const PropertySet& identity) const {
  return MeetsAll(identity_, identity);
}

bool LeafConstraints::AllowObject(const PropertySet& component) const {
  return MeetsAll(object_, component);
}

Bytes WriteLeafConstraints(std::uint32_t chip) {
  const Bytes identity = WriteKeyedSet("MANP", {{"BNCH", AnyValue()},
                                                {"BORD", AnyValue()},
                                                {"CEPO", der::Number(1)},
                                                {"CHIP", der::Number(chip)},
                                                {"CPRO", AnyValue()},
                                                {"CSEC", AnyValue()},
                                                {"ECID", AnyValue()},
                                                {"SDOM", der::Number(1)},
                                                {"snon", AnyValue()}});
  const Bytes object =
      WriteKeyedSet("OBJP", {{"DGST", AnyValue()}, {"EPRO", AnyValue()}, {"ESEC", AnyValue()}});
  return der::Wrap(der::Tag::kSet, der::Join({identity, object}));
}

}  // namespace rack
