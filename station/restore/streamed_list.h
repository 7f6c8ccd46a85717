#pragma once
// A property list in XML whose data values are images, read while it is sent: its size is known
// before its first byte, and it is never held whole.

#include <string>
#include <string_view>
#include <vector>

#include "station/base/byte_source.h"

namespace station::restore {

inline constexpr std::string_view kXmlHead =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST "
    "1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n";
inline constexpr std::string_view kXmlEnd = "</plist>\n";

// Written in order: in a dictionary each value follows its key. Begins with the outermost
// dictionary open.
class StreamedList {
 public:
  StreamedList();
  StreamedList& Key(std::string_view key);
  StreamedList& Text(std::string_view text);
  StreamedList& Data(ByteSource bytes);
  StreamedList& BeginDict() { return Tag("<dict>\n"); }
  StreamedList& EndDict() { return Tag("</dict>\n"); }
  StreamedList& BeginArray() { return Tag("<array>\n"); }
  StreamedList& EndArray() { return Tag("</array>\n"); }
  // Closes the outermost dictionary; to be called once, last. Borrows from this list.
  [[nodiscard]] ByteSource Message();

 private:
  struct Part {
    std::string text;  // goes before the data
    ByteSource data;   // without `pass`: none
  };
  StreamedList& Tag(std::string_view tag);
  StreamedList& Escaped(std::string_view text);
  [[nodiscard]] Status Pass(const ByteSink& sink) const;
  std::vector<Part> parts_;
};

}  // namespace station::restore
