#pragma once
// Real files beside the checkout: STATION_REAL_DATA names the folder (environment wins); tests skip without it.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "station/base/fd.h"

namespace station::real_data {

inline std::filesystem::path Folder() {
  const char* named = std::getenv("STATION_REAL_DATA");
  return named != nullptr ? named : STATION_REAL_DATA;
}

inline std::vector<std::uint8_t> Bytes(const std::filesystem::path& file) {
  const auto text = ReadFile(Folder() / file);
  return text ? std::vector<std::uint8_t>(text->begin(), text->end()) : std::vector<std::uint8_t>();
}

}  // namespace station::real_data

#define SKIP_WITHOUT_REAL_DATA()                                            \
  if (!std::filesystem::exists(station::real_data::Folder())) GTEST_SKIP() << "no real data at " << station::real_data::Folder()
