#include "tests/rack/forge/marker.h"

#include <algorithm>

namespace rack {
namespace {

constexpr std::string_view kMagic = "rack-firmware\n";
constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kLongest = 1U << 20U;

Value ToValue(const std::set<std::string>& names) {
  Value::Array list;
  for (const std::string& name : names) list.emplace_back(name);
  return list;
}

Value ToValue(const std::vector<ImageRecipe>& images) {
  Value::Array list;
  for (const ImageRecipe& image : images)
    list.push_back(
        Value::Dict{{"Seed", image.seed},
                    {"Path", image.path},
                    {"Size", image.size},
                    {"Sparse", image.sparse},
                    {"Digests", Value::Array(image.digests.begin(), image.digests.end())}});
  return list;
}

std::set<std::string> ReadNames(const Value& list) {
  std::set<std::string> names;
  if (list.AsArray() != nullptr)
    for (const Value& name : *list.AsArray())
      if (name.AsText() != nullptr) names.insert(*name.AsText());
  return names;
}

ImageRecipe ReadRecipe(const Value& image) {
  ImageRecipe recipe{.seed = image.Number("Seed").value_or(0),
                     .path = image.Text("Path"),
                     .size = image.Number("Size").value_or(0),
                     .sparse = image.Flag("Sparse"),
                     .digests = {}};
  if (const Value* digests = image.Find("Digests");
      digests != nullptr && digests->AsArray() != nullptr)
    for (const Value& digest : *digests->AsArray())
      if (digest.AsBytes() != nullptr) recipe.digests.push_back(*digest.AsBytes());
  return recipe;
}

std::vector<ImageRecipe> ReadRecipes(const Value* list) {
  std::vector<ImageRecipe> images;
  if (list != nullptr && list->AsArray() != nullptr)
    for (const Value& image : *list->AsArray()) images.push_back(ReadRecipe(image));
  return images;
}

}  // namespace

Bytes WriteMarker(const Marker& marker) {
  Value boards = Value::Dict{};
  for (const auto& [board, names] : marker.components) boards.Set(board, ToValue(names));
  Value sides = Value::Dict{};
  for (const auto& [board, side] : marker.sides) sides.Set(board, side);
  Value digests = Value::Dict{};
  for (const auto& [board, named] : marker.digests) {
    Value of_board = Value::Dict{};
    for (const auto& [component, digest] : named) of_board.Set(component, digest);
    digests.Set(board, std::move(of_board));
  }
  const Value facts =
      Value::Dict{{"Behaviour", marker.behaviour},   {"Build", marker.build},
                  {"Version", marker.version},       {"Board", marker.board},
                  {"Components", std::move(boards)}, {"Digests", std::move(digests)},
                  {"Sides", std::move(sides)},       {"Images", ToValue(marker.images)}};
  const std::string body = facts.ToBinary();
  Bytes bytes(kMagic.begin(), kMagic.end());
  for (std::size_t i = 0; i < kLengthSize; ++i)
    bytes.push_back(static_cast<std::uint8_t>(body.size() >> (8U * i)));
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

std::optional<Marker> ReadMarker(std::span<const std::uint8_t> payload_data) {
  if (payload_data.size() < kMagic.size() + kLengthSize ||
      AsText(payload_data.first(kMagic.size())) != kMagic)
    return std::nullopt;
  payload_data = payload_data.subspan(kMagic.size());
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthSize; ++i)
    length |= static_cast<std::size_t>(payload_data[i]) << (8U * i);
  payload_data = payload_data.subspan(kLengthSize);
  if (length > payload_data.size() || length > kLongest) return std::nullopt;
  const auto facts = Value::Parse(payload_data.first(length));
  if (!facts) return std::nullopt;
  Marker marker{.behaviour = facts->Text("Behaviour"),
                .build = facts->Text("Build"),
                .version = facts->Text("Version"),
                .board = facts->Text("Board"),
                .components = {},
                .digests = {},
                .sides = {},
                .images = ReadRecipes(facts->Find("Images"))};
  if (const Value* boards = facts->Find("Components");
      boards != nullptr && boards->AsDict() != nullptr)
    for (const auto& [board, names] : *boards->AsDict())
      marker.components[board] = ReadNames(names);
  if (const Value* boards = facts->Find("Digests");
      boards != nullptr && boards->AsDict() != nullptr)
    for (const auto& [board, named] : *boards->AsDict())
      if (named.AsDict() != nullptr)
        for (const auto& [component, digest] : *named.AsDict())
          if (digest.AsBytes() != nullptr) marker.digests[board][component] = *digest.AsBytes();
  if (const Value* sides = facts->Find("Sides"); sides != nullptr && sides->AsDict() != nullptr)
    for (const auto& [board, side] : *sides->AsDict()) marker.sides[board] = side;
  return marker;
}

}  // namespace rack
