#include "tests/rack/image4/restore_info.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "tests/rack/image4/der.h"
#include "tests/rack/image4/ticket.h"

namespace rack {
namespace {

constexpr std::size_t kGeneratorSize = 8;

struct Known {
  std::string_view name;
  der::Tag tag;
};
constexpr auto kKnown = std::to_array<Known>({{"BNCN", der::Tag::kOctets},
                                              {"anid", der::Tag::kInteger},
                                              {"snid", der::Tag::kInteger},
                                              {"ucon", der::Tag::kOctets},
                                              {"ucer", der::Tag::kOctets}});

bool Fits(const std::string& name, const der::Element& value) {
  const auto known = std::ranges::find(kKnown, name, &Known::name);
  if (known == kKnown.end() || !value.Is(known->tag)) return false;
  if (known->tag == der::Tag::kInteger) return der::NumberOf(value).has_value();
  return name != "BNCN" || value.content.size() == kGeneratorSize;
}

}  // namespace

std::optional<RestoreInfo> ReadRestoreInfo(std::span<const std::uint8_t> bytes) {
  const auto sequence = der::Whole(bytes, der::Tag::kSequence);
  if (!sequence) return std::nullopt;
  der::Reader reader(sequence->content);
  if (reader.NextText() != "IM4R") return std::nullopt;
  const auto set = reader.Next(der::Tag::kSet);
  if (!set || !reader.AtEnd()) return std::nullopt;

  std::map<std::string, der::Element, std::less<>> found;
  der::Reader properties(set->content);
  while (!properties.AtEnd()) {
    const auto element = properties.Next();
    const auto keyed = element ? ReadKeyed(*element) : std::nullopt;
    if (!keyed || !Fits(keyed->first, keyed->second) || !found.insert(*keyed).second)
      return std::nullopt;
  }
  if (found.contains("ucon") != found.contains("ucer")) return std::nullopt;
  RestoreInfo info;
  if (const auto generator = found.find("BNCN"); generator != found.end())
    info.generator = Bytes(generator->second.content.begin(), generator->second.content.end());
  return info;
}

}  // namespace rack
