#pragma once
// The station itself as text. Pure.

#include <string>

#include "station/ctl/text.h"
#include "station/v1/station.pb.h"

namespace station::ctl {

[[nodiscard]] std::string RenderStation(const v1::Station& station, const Screen& screen);

}  // namespace station::ctl
