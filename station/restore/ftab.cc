#include "station/restore/ftab.h"

#include <algorithm>

#include "station/restore/little_endian.h"

namespace station::restore {
namespace {

// Header: u32 1, u32 all ones, 24 zero bytes, tag, "ftab", u32 count, u32 0. Entry: tag, u32
// offset, u32 size, u32 0.
constexpr std::size_t kHeader = 48;
constexpr std::size_t kEntry = 16;
constexpr std::size_t kTagAt = 32;
constexpr std::size_t kMagicAt = 36;
constexpr std::size_t kCountAt = 40;
constexpr std::uint32_t kMostEntries = 1024;

std::unexpected<Error> Bad(const std::string& what) {
  return Fail(ErrorCode::kFirmwareMalformed, "ftab: " + what);
}

std::string Text(std::span<const std::uint8_t> bytes, std::size_t at) {
  return {reinterpret_cast<const char*>(bytes.data()) + at, 4};
}

}  // namespace

Result<Ftab> Ftab::Parse(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeader || Text(bytes, kMagicAt) != "ftab") return Bad("no header");
  Ftab table;
  table.first_word_ = ReadLittle<std::uint32_t>(bytes, 0);
  table.second_word_ = ReadLittle<std::uint32_t>(bytes, 4);
  table.tag_ = Text(bytes, kTagAt);
  const auto count = ReadLittle<std::uint32_t>(bytes, kCountAt);
  if (count > kMostEntries || kHeader + std::size_t{count} * kEntry > bytes.size())
    return Bad(std::to_string(count) + " entries do not fit");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t at = kHeader + std::size_t{i} * kEntry;
    const std::size_t offset = ReadLittle<std::uint32_t>(bytes, at + 4);
    const std::size_t size = ReadLittle<std::uint32_t>(bytes, at + 8);
    if (offset > bytes.size() || size > bytes.size() - offset)
      return Bad("an entry beyond the end");
    const auto content = bytes.subspan(offset, size);
    table.entries_.push_back({Text(bytes, at), {content.begin(), content.end()}});
  }
  return table;
}

Result<std::span<const std::uint8_t>> Ftab::Find(std::string_view four_cc) const {
  const auto found = std::ranges::find(entries_, four_cc, &Entry::four_cc);
  if (found == entries_.end()) return Bad("no entry " + std::string(four_cc));
  return std::span<const std::uint8_t>(found->bytes);
}

void Ftab::Append(std::string_view four_cc, std::span<const std::uint8_t> bytes) {
  entries_.push_back({std::string(four_cc), {bytes.begin(), bytes.end()}});
}

std::vector<std::uint8_t> Ftab::Write() const {
  std::vector<std::uint8_t> out(kHeader + entries_.size() * kEntry);
  WriteLittle32(out, 0, first_word_);
  WriteLittle32(out, 4, second_word_);
  std::ranges::copy(tag_, out.begin() + kTagAt);
  std::ranges::copy(std::string_view("ftab"), out.begin() + kMagicAt);
  WriteLittle32(out, kCountAt, static_cast<std::uint32_t>(entries_.size()));
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::size_t at = kHeader + i * kEntry;
    std::ranges::copy(entries_[i].four_cc, out.begin() + static_cast<std::ptrdiff_t>(at));
    WriteLittle32(out, at + 4, static_cast<std::uint32_t>(out.size()));
    WriteLittle32(out, at + 8, static_cast<std::uint32_t>(entries_[i].bytes.size()));
    out.insert(out.end(), entries_[i].bytes.begin(), entries_[i].bytes.end());
  }
  return out;
}

}  // namespace station::restore
