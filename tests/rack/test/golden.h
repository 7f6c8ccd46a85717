#pragma once
// Message sequences as the reference describes them, in text files under golden/, and recordings
// held against them.
//
// A line of such a file is a step: [ACTION] DIRECTION CHANNEL WORDS ; REFERENCE. DIRECTION is ">"
// to the phone and "<" to the host. A line with an action ("erase", "update") is for that one only.
// REFERENCE is where the step is described, and every step has one. "#" begins a comment.
// Channels go on beside each other, so order counts within one; within "data" (the data ports) and
// "beside" (what the host is asked for while the image comes) only the steps themselves count.

#include <string>
#include <vector>

#include "tests/rack/model/recorder.h"

namespace rack {

// What was said in restore mode and on the way there, a step a line as above, without reference.
// Repetitions are one step: percentages of one operation, ranges of the image, pieces of a file.
[[nodiscard]] std::vector<std::string> StepsOf(const std::vector<RecordedEvent>& events);

// Fails the test where the recording differs, with both sequences around the first difference.
void ExpectGolden(const std::vector<RecordedEvent>& events, const std::string& file,
                  const std::string& action);

}  // namespace rack
