#pragma once
// How anything that can go wrong says so: a value or an Error with a numbered code. Exceptions never cross a folder.

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "station/base/error_code.h"

namespace station {

// `code` decides what is done about it, `context` is for the log: what was being done, with which values.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string context;

  // Adds what the caller was doing; once per layer.
  [[nodiscard]] Error With(std::string_view doing) && {
    context = std::string(doing) + ": " + context;
    return std::move(*this);
  }
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline std::unexpected<Error> Fail(ErrorCode code, std::string context) {
  return std::unexpected(Error{code, std::move(context)});
}

// Passes an error on with what the caller was doing.
[[nodiscard]] inline std::unexpected<Error> Fail(Error error, std::string_view doing) {
  return std::unexpected(std::move(error).With(doing));
}

}  // namespace station

// `STATION_TRY(value, Expression())` declares `value` or returns the error; `STATION_CHECK(Expression())` for Status.
#define STATION_TRY_CONCAT2(a, b) a##b
#define STATION_TRY_CONCAT(a, b) STATION_TRY_CONCAT2(a, b)
#define STATION_TRY(declaration, expression) STATION_TRY_IMPL(declaration, expression, STATION_TRY_CONCAT(try_, __LINE__))
#define STATION_TRY_IMPL(declaration, expression, name)                \
  auto name = (expression);                                            \
  if (!name) return std::unexpected(std::move(name).error());          \
  auto declaration = std::move(*name)
#define STATION_CHECK(expression)                                                                  \
  do {                                                                                             \
    if (auto check_result = (expression); !check_result)                                           \
      return std::unexpected(std::move(check_result).error());                                     \
  } while (false)
