#pragma once
// Takes out of a message what names a phone or is a payload, so that it can be shown to others:
// identities become placeholders that are the same throughout one capture, data becomes its size
// and digest.

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "station/plist/plist.h"

namespace station::worker {

class Redactor {
 public:
  // Also taken out wherever it turns up inside other text, whatever key it stands under. Of at
  // least 6 characters.
  void AddSecret(std::string_view kind, const std::string& text);

  // As one line of JSON. Data is {"$data": {"size", "sha256"}}, dates are {"$date": seconds since
  // 2001}, an identity is
  // "<serial-1>": what it is, and which of them.
  [[nodiscard]] std::string ToJson(plist::View message);

 private:
  void Write(const std::string& key, plist::View value, std::string& out);
  [[nodiscard]] std::string Placeholder(std::string_view kind, const std::string& value);
  [[nodiscard]] std::string WithoutSecrets(std::string text);

  std::map<std::string, std::map<std::string, int>> numbers_;  // kind -> value -> which
  std::map<std::string, std::string> secrets_;                 // text -> placeholder
};

}  // namespace station::worker
