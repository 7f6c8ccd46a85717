#pragma once
// The system image to the phone, over ASR (restore-protocol 7).

#include <cstdint>

#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/restore/restore_setup.h"
#include "station/store/reader/firmware_reader.h"

namespace station::restore {

inline constexpr std::uint16_t kAsrPort = 12345;

// Answers the phone's questions about the image, then streams it whole. With checksums on, each 128
// KiB chunk goes from the page cache (image_pipe.h) with the digest computed at import, so that the
// phone itself catches rot; with checksums off each chunk is verified here before it is sent. Reports
// progress in bytes. kAsrConnect, kAsrTransfer, kAsrRange, kFirmwareRotted, or the control's
// reason.
[[nodiscard]] Status StreamSystemImage(const ConnectToPort& connect, std::uint16_t port,
                                       const store::Image& image, JobControl& control);

}  // namespace station::restore
