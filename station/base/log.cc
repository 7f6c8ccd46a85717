#include "station/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace station {
namespace {

spdlog::level::level_enum Convert(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Values with blanks or quotes are quoted; control characters (a phone chooses some values) become spaces.
std::string Value(std::string_view text) {
  std::string value(text);
  std::ranges::replace_if(value, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  if (!value.empty() && value.find_first_of(" \"=") == std::string::npos) return value;
  std::ranges::replace(value, '"', '\'');
  return '"' + value + '"';
}

std::string Line(std::string_view event, std::initializer_list<std::pair<std::string_view, std::string>> fields) {
  std::string line = "event=" + Value(event);
  for (const auto& [key, value] : fields) line.append(" ").append(key).append("=").append(Value(value));
  return line;
}

}  // namespace

void StartLogging(std::string_view program, LogLevel least) {
  auto logger = std::make_shared<spdlog::logger>(std::string(program), std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z level=%l program=%n pid=%P %v");
  logger->set_level(Convert(least));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void Log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> fields) {
  if (spdlog::should_log(Convert(level))) spdlog::log(Convert(level), "{}", Line(event, fields));
}

void LogError(LogLevel level, std::string_view event, const Error& error,
              std::initializer_list<std::pair<std::string_view, std::string>> fields) {
  if (!spdlog::should_log(Convert(level))) return;
  spdlog::log(Convert(level), "{} error={} code={} context={}", Line(event, fields), Name(error.code),
              static_cast<int>(error.code), Value(error.context));
}

}  // namespace station
