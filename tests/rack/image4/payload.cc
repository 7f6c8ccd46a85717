#include "tests/rack/image4/payload.h"

#include <algorithm>
#include <utility>

#include "tests/rack/image4/der.h"

namespace rack {
namespace {

struct Extras {
  bool compression = false;
  bool keybags = false;
  bool properties = false;
};

// What may follow the data, each once: { algorithm, size }, keybags, PAYP in [0].
std::optional<Extras> ReadExtras(der::Reader& reader) {
  Extras found;
  while (!reader.AtEnd()) {
    const auto element = reader.Next();
    bool* seen = !element                           ? nullptr
                 : element->Is(der::Tag::kSequence) ? &found.compression
                 : element->Is(der::Tag::kOctets)   ? &found.keybags
                 : element->Is(der::Tag::kContext0) ? &found.properties
                                                    : nullptr;
    if (seen == nullptr || std::exchange(*seen, true)) return std::nullopt;
  }
  return found;
}

}  // namespace

std::optional<Payload> ReadPayload(std::span<const std::uint8_t> bytes) {
  const auto sequence = der::Whole(bytes, der::Tag::kSequence);
  if (!sequence) return std::nullopt;
  der::Reader reader(sequence->content);
  if (reader.NextText() != "IM4P") return std::nullopt;
  const auto type = reader.NextText();
  const auto description = reader.NextText();
  const auto data = reader.Next(der::Tag::kOctets);
  if (!type || type->size() != 4 || !description || !data) return std::nullopt;
  const auto extras = ReadExtras(reader);
  if (!extras) return std::nullopt;
  return Payload{*type, *description, data->content, extras->keybags, sequence->whole};
}

Bytes WritePayload(std::string_view type, std::string_view description,
                   std::span<const std::uint8_t> data) {
  Bytes body = der::Join({der::Text("IM4P"), der::Text(type), der::Text(description),
                          der::Header(der::Tag::kOctets, data.size())});
  Bytes out = der::Header(der::Tag::kSequence, body.size() + data.size());
  out.reserve(out.size() + body.size() + data.size());
  out.insert(out.end(), body.begin(), body.end());
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

bool PatchType(Bytes& bytes, std::string_view type) {
  const auto payload = ReadPayload(bytes);
  if (!payload || type.size() != 4) return false;
  der::Reader reader(der::Whole(bytes, der::Tag::kSequence)->content);
  (void)reader.Next();
  const auto old = reader.Next();
  std::ranges::copy(AsBytes(type), bytes.begin() + (old->content.data() - bytes.data()));
  return true;
}

}  // namespace rack
