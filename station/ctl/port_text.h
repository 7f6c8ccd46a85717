#pragma once
// Ports as text: the table of `ports`, the live table and the change lines of `watch`. Pure.

#include <string>
#include <vector>

#include "station/ctl/failure.h"
#include "station/ctl/text.h"
#include "station/v1/station.pb.h"

namespace station::ctl {

[[nodiscard]] std::string RenderPorts(const std::vector<v1::Port>& ports, const Screen& screen);

// One screen of `watch`: a bar for each port that works, a summary line; cut to the screen's
// height.
[[nodiscard]] std::string RenderBlame(const std::vector<v1::Blame>& blame, const Screen& screen);
[[nodiscard]] std::string RenderWatch(const std::vector<v1::Port>& ports, std::string_view message,
                                      const Screen& screen);
// For a pipe: "A1  iPhone 8  working  stream 42%  1.2/5.6 GB  180 MB/s  3:20 left".
[[nodiscard]] std::string RenderChange(const v1::Port& port);
// Whether a line is worth writing: another state, step, reason or twentieth of the way.
[[nodiscard]] bool WorthALine(const v1::Port& before, const v1::Port& now);

// Nothing runs or is about to on this port.
[[nodiscard]] bool AtRest(const v1::Port& port);
// What the port's state means for the exit code of `watch --until-idle`.
[[nodiscard]] ExitCode ExitCodeOf(const v1::Port& port);
// By label, path or key.
[[nodiscard]] bool IsCalled(const v1::Port& port, std::string_view name);
// A1 before A2 before A10; unnamed ports by path.
[[nodiscard]] bool InOrder(const v1::Port& a, const v1::Port& b);

// "A1", or the path or key of a port without a label.
[[nodiscard]] std::string PortName(const v1::Port& port);
// "iPhone 8", or "iPhone10,1" or "-".
[[nodiscard]] std::string ProductName(const v1::Phone& phone);
[[nodiscard]] std::string OsText(const v1::Phone& phone);  // "14.8 (18H17)"; empty while unknown
[[nodiscard]] std::string EcidText(const v1::Phone& phone);

}  // namespace station::ctl
