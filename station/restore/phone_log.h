#pragma once
// What the phone itself says about its restores, kept in one file for the job's record, bounded in
// size.

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <string_view>

#include "station/base/fd.h"

namespace station::restore {

class PhoneLog {
 public:
  static constexpr std::size_t kLargest = 8U << 20U;       // bytes of the whole file
  static constexpr std::size_t kLargestEntry = 4U << 20U;  // of one entry; its end is what is kept

  // Written when there is something to write; an empty path keeps nothing. A file of an earlier
  // attempt is continued.
  explicit PhoneLog(std::filesystem::path path) : path_(std::move(path)) {}
  // A file that cannot be written is logged once and never fails a restore.
  void Append(std::string_view title, std::string_view text);

 private:
  const std::filesystem::path path_;
  std::mutex mutex_;
  Fd file_;
  std::size_t size_ = 0;
  bool given_up_ = false;
};

}  // namespace station::restore
