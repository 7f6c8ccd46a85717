// Property lists as a phone, a server or a file sends them, read the way the dialogue reads them.

#include "station/plist/plist.h"

namespace {
void Walk(station::plist::View view, int depth) {
  if (depth > 70) return;
  (void)view.String();
  (void)view.Number();
  (void)view.Data();
  view.ForEach([&](const std::string&, station::plist::View inner) { Walk(inner, depth + 1); });
  for (std::size_t i = 0; i < view.Size() && view.IsArray(); ++i) Walk(view.At(i), depth + 1);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto list = station::plist::Plist::Parse(std::span(data, size))) Walk(list->Get(), 0);
  return 0;
}
