#pragma once
// How long each part of a phone's restore takes when nothing goes wrong, and how many bytes it is.

#include "tests/simulation/random.h"

namespace station::simulation {

struct Pace {
  Millis ask{1000};    // until it has said who it is
  Millis gate{2000};   // reading the firmware's manifest
  Millis sign{2000};   // the signing server's answer
  Millis leave{2000};  // until it leaves the bus when it is told to
  Millis into_recovery{8000};
  Millis upload{6000};  // boot objects
  Millis into_restore{20000};
  double bytes = 5e9;  // the system image
  Millis flash{60000};
  Millis into_system{25000};

  // A phone that starts in normal mode, all but the stream.
  [[nodiscard]] Millis BeforeStream() const {
    return ask + gate + sign + leave + into_recovery + upload + leave + into_restore;
  }
  [[nodiscard]] Millis AfterStream() const { return flash + leave + into_system + ask; }
};

}  // namespace station::simulation
