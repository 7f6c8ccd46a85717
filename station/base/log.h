#pragma once
// Logging as key=value lines: `Log(LogLevel::kInfo, "step started", {{"job", "17"}, {"step", "sign"}})`.
// error = an operator must act; warning = unusual, recovered; info = transitions. Never keys, passwords, IMEIs.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "station/base/result.h"

namespace station {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// `program` begins each line; lines go to standard error (systemd's journal). Call once, first thing in main.
void StartLogging(std::string_view program, LogLevel least = LogLevel::kInfo);
void Log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> fields = {});
// The fields error=NAME code=NUMBER context="...", after `fields`.
void LogError(LogLevel level, std::string_view event, const Error& error,
              std::initializer_list<std::pair<std::string_view, std::string>> fields = {});

}  // namespace station
