#pragma once
// HTTP on behalf of a phone that has no network of its own: TLS verified, only to hosts it may
// reach, bounded in size and time.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "station/base/job_control.h"
#include "station/base/result.h"

namespace station::restore {

struct UrlRequest {
  std::string url;
  bool post = false;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct UrlAnswer {
  long status = 0;
  std::map<std::string, std::string> headers;  // of the last answer, where redirected
  std::string body;
};

struct UrlPolicy {
  std::vector<std::string> further_hosts;  // beside Apple's; these also without TLS
  std::filesystem::path ca_file;           // PEM roots; empty: the system's
};

// Whatever the server answers, also a refusal, is an answer: the phone judges it. kAssetUnreachable
// after 3 attempts, and for a host the phone may not reach (also by redirection), kCancelled.
[[nodiscard]] Result<UrlAnswer> FetchUrl(const UrlRequest& request, const UrlPolicy& policy,
                                         JobControl& control);

}  // namespace station::restore
