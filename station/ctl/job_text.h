#pragma once
// Jobs as text. Pure.

#include <string>
#include <vector>

#include "station/ctl/text.h"
#include "station/v1/station.pb.h"

namespace station::ctl {

[[nodiscard]] std::string RenderJobs(const std::vector<v1::Job>& jobs, const Screen& screen);
// Everything the station knows about one job.
[[nodiscard]] std::string RenderJob(const v1::Job& job, const Screen& screen);
// One line after cancel and retry: "Job 17 on A1: cancelled".
[[nodiscard]] std::string RenderJobLine(const v1::Job& job);

}  // namespace station::ctl
