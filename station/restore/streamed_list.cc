#include "station/restore/streamed_list.h"

#include <openssl/evp.h>

#include <array>

namespace station::restore {
namespace {

constexpr std::size_t kGroup = 3;                // bytes that become four characters
constexpr std::size_t kAtOnce = 16384 * kGroup;  // any number of whole groups

std::uint64_t EncodedSize(std::uint64_t size) { return (size + kGroup - 1) / kGroup * 4; }

Status PassEncoded(const ByteSource& data, const ByteSink& sink) {
  std::vector<unsigned char> text(EncodedSize(kAtOnce) + 1);  // and EVP_EncodeBlock's zero
  BlockCutter blocks(kAtOnce, [&](std::span<const std::uint8_t> block) {
    const int size = EVP_EncodeBlock(text.data(), block.data(), static_cast<int>(block.size()));
    return sink(std::span(text).first(static_cast<std::size_t>(size)));
  });
  std::uint64_t seen = 0;
  STATION_CHECK(data.pass([&](std::span<const std::uint8_t> bytes) {
    seen += bytes.size();
    return blocks.Feed(bytes);
  }));
  if (seen != data.size)
    return Fail(ErrorCode::kInternal, "an image of " + std::to_string(seen) + " bytes instead of " +
                                          std::to_string(data.size));
  return blocks.Flush();
}

}  // namespace

StreamedList::StreamedList() : parts_(1) {
  Tag(kXmlHead);
  BeginDict();
}

StreamedList& StreamedList::Tag(std::string_view tag) {
  parts_.back().text += tag;
  return *this;
}

StreamedList& StreamedList::Escaped(std::string_view text) {
  for (const char c : text) {
    if (c == '<')
      Tag("&lt;");
    else if (c == '>')
      Tag("&gt;");
    else if (c == '&')
      Tag("&amp;");
    else
      parts_.back().text += c;
  }
  return *this;
}

StreamedList& StreamedList::Key(std::string_view key) {
  return Tag("<key>").Escaped(key).Tag("</key>\n");
}

StreamedList& StreamedList::Text(std::string_view text) {
  return Tag("<string>").Escaped(text).Tag("</string>\n");
}

StreamedList& StreamedList::Data(ByteSource bytes) {
  Tag("<data>\n");
  parts_.back().data = std::move(bytes);
  parts_.emplace_back();
  return Tag("\n</data>\n");
}

Status StreamedList::Pass(const ByteSink& sink) const {
  for (const Part& part : parts_) {
    STATION_CHECK(SourceOf(part.text).pass(sink));
    if (part.data.pass) STATION_CHECK(PassEncoded(part.data, sink));
  }
  return {};
}

ByteSource StreamedList::Message() {
  EndDict().Tag(kXmlEnd);
  std::uint64_t size = 0;
  for (const Part& part : parts_) size += part.text.size() + EncodedSize(part.data.size);
  return {size, [this](const ByteSink& sink) { return Pass(sink); }};
}

}  // namespace station::restore
