#pragma once
// How structs and table rows correspond: the order of columns, lists as lines of text.

#include <string>
#include <string_view>
#include <vector>

#include "station/ledger/records.h"
#include "station/ledger/sqlite.h"

namespace station::ledger {

inline constexpr std::string_view kPhoneColumns =
    "ecid, udid, serial_number, product, product_name, board, os_version, os_build, mode, chip_id, "
    "board_id";
inline constexpr std::string_view kJobColumns =
    "id, action, port, port_label, ecid, udid, serial_number, product, product_name, board, "
    "os_version, os_build, mode, "
    "chip_id, board_id, firmware_sha256, firmware_version, arming_id, actor, attempt, created, "
    "began, ended, outcome, "
    "error, context, step, signer_root, simulated, os_build_after";
inline constexpr std::string_view kArmingColumns =
    "id, ports, ecids, serial_numbers, action, firmware, count, actor, created, expires, "
    "countdown, active, taken, "
    "let_go_ports, let_go_phones";

// Values must not contain line feeds: port keys, ECIDs and serial numbers do not (requests are
// checked for it).
[[nodiscard]] std::string JoinLines(const std::vector<std::string>& values);
[[nodiscard]] std::vector<std::string> SplitLines(const std::string& text);

// Reads the columns above, beginning at `first`.
[[nodiscard]] PhoneFacts ReadPhone(const Statement& row, int first);
[[nodiscard]] JobRow ReadJob(const Statement& row);
[[nodiscard]] ArmingRow ReadArming(const Statement& row);

// Binds in the order of the columns above.
void BindPhone(Statement& statement, const PhoneFacts& phone);
void BindJob(Statement& statement, const JobRow& job);
void BindArming(Statement& statement, const ArmingRow& arming);

}  // namespace station::ledger
