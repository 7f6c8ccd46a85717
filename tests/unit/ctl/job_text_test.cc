#include "station/ctl/job_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "station/ctl/station_text.h"
#include "tests/unit/ctl/fake_station.h"

namespace station::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::Job FailedJob() {
  v1::Job job;
  job.set_id(17);
  job.set_port_label("A4");
  job.set_action(v1::ACTION_ERASE);
  *job.mutable_phone() = MakePort("A4", v1::PORT_STATE_IDLE, "iPhone X").phone();
  job.set_firmware_version("15.8 (19H999)");
  job.set_outcome(v1::OUTCOME_NEEDS_CABLE_OR_PORT);
  job.set_error_code(v1::ERROR_CODE_PHONE_GONE);
  job.set_what_to_do(std::string(OperatorLine(ErrorCode::kPhoneGone)));
  job.set_context("stream: asr: connection reset");
  job.set_step(v1::STEP_STREAM);
  job.set_attempt(2);
  job.mutable_created_at()->set_seconds(1'767'225'600);
  job.mutable_ended_at()->set_seconds(1'767'225'800);
  job.set_actor("mara");
  job.set_signer_root("Rack Root");
  job.set_simulated(true);
  v1::StepRecord* step = job.add_steps();
  step->set_step(v1::STEP_STREAM);
  step->mutable_started_at()->set_seconds(1'767'225'700);
  step->mutable_ended_at()->set_seconds(1'767'225'800);
  step->set_bytes(1'200'000'000);
  return job;
}

class JobTextTest : public testing::Test {
 protected:
  JobTextTest() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(JobTextTest, ListAt80Columns) {
  EXPECT_EQ(RenderJobs({FailedJob()}, Screen{.width = 80}),
            R"(JOB  PORT  PRODUCT   ACTION  END                 FIRMWARE       BEGAN
 17  A4    iPhone X  erase   needs cable or ...  15.8 (19H999)  2026-01-01 00:00
    The phone left the bus: check the cable, plug it back into the same port.
)");
}

TEST_F(JobTextTest, ShowSaysEverything) {
  EXPECT_EQ(RenderJob(FailedJob(), Screen{.width = 80}), R"(job          17 SIMULATED: no evidence
port         A4
phone        iPhone X (iPhone10,1)
ECID         0x00000000000000A4
action       erase
OS before    14.8 (18H17)
firmware     15.8 (19H999)
end          needs cable or port
what to do   The phone left the bus: check the cable, plug it back into the same
             port.
error        phone_gone (400)
detail       stream: asr: connection reset
attempt      2
began        2026-01-01 00:00
ended        2026-01-01 00:03
took         3:20
armed by     mara
signed by    Rack Root

STEP    BEGAN     TOOK  TRY    SENT
stream  00:01:40  1:40       1.2 GB
)");
}

TEST_F(JobTextTest, ARunningJobShowsItsStep) {
  v1::Job job = FailedJob();
  job.set_outcome(v1::OUTCOME_NONE);
  job.clear_what_to_do();
  EXPECT_EQ(RenderJobLine(job), "Job 17 on A4: stream\n");
}

TEST_F(JobTextTest, StationShowsThatItIsDrained_AndWhyFewerAreAtWork) {
  v1::Station station;
  station.set_concurrency_limit(5);
  station.set_configured_limit(8);
  EXPECT_THAT(RenderStation(station, Screen{}),
              HasSubstr("0 of at most 5 (more were slower together), 0 waiting"));
  EXPECT_THAT(RenderStation(station, Screen{}), Not(HasSubstr("DRAINED")));
  station.set_drain(v1::DRAIN_UPS);
  EXPECT_THAT(RenderStation(station, Screen{}),
              HasSubstr("DRAINED     for want of power, nothing is written; to go on: "
                        "stationctl drain --off"));
}

TEST_F(JobTextTest, StationShowsTheEmergencyStop) {
  v1::Station station;
  station.set_name("bench");
  station.set_version("0.1.0");
  EXPECT_THAT(RenderStation(station, Screen{}), Not(HasSubstr("STOPPED")));
  station.set_emergency_stop(true);
  EXPECT_THAT(RenderStation(station, Screen{}), HasSubstr("STOPPED     emergency stop is on"));
}

}  // namespace
}  // namespace station::ctl
