// When four paths, each in a tetrahedron of its own, leave it: from the power
// series of their barycentric coordinates, as volume_path.h says.
//
// Private to volume_path.cc: compiled for its instruction set, and always
// inlined. Tested by volume_path_test.cc.
#ifndef CPAB_VOLUME_PACKED_EXIT_H_
#define CPAB_VOLUME_PACKED_EXIT_H_

#include <limits>

#include "cpab/flow/pack.h"
#include "cpab/volume/volume_step.h"

namespace cpab {

// Terms of the series, for |M| t <= kPackReach: 0.5^14 / 15! = 5e-17 of the
// first one.
inline constexpr int kPackTerms = 14;
inline constexpr double kPackReach = 0.5;
inline constexpr int kMaxSolveSteps = 8;
// Halley's iteration makes its last step where Newton's would be this short,
// and leaves about its cube. Its own may be short far from a zero, too.
inline constexpr double kSolved = 1e-7;

// The four barycentric coordinates of four paths: coefficients of (t / h)^k.
struct PackedSeries {
  Pack b[kPackTerms + 1][4];
};

// What the coefficients of the coordinates say of the time up to h.
struct Outlook {
  Mask crosses[4];  // Falls to below 0, once.
  Mask unsure;      // Of some coordinate neither is known.
  Mask bad;         // Outside already.
};

CPAB_INLINE Outlook Judge(const PackedSeries& series) {
  Outlook outlook;
  outlook.unsure = outlook.bad = Pack(0.0) < 0.0;
  for (int f = 0; f < 4; ++f) {
    const Pack start = series.b[0][f] + kVolumeOverlap;
    const Pack first = series.b[1][f];
    Pack rises = 0.0, steepest = first, sum = 0.0;
    for (int k = kPackTerms; k >= 2; --k) {
      const Pack up = Max(series.b[k][f], 0.0);
      sum = sum + series.b[k][f];
      rises = rises + up;
      steepest = steepest + static_cast<double>(k) * up;
    }
    const Mask stays = start + first + (sum - rises) > 0.0;
    const Mask falls = steepest < 0.0;
    const Mask below = start + first + sum < 0.0;
    outlook.bad = outlook.bad | (start < 0.0);
    outlook.crosses[f] = ~stays & falls & below;
    outlook.unsure = outlook.unsure | (~stays & ~falls);
  }
  return outlook;
}

CPAB_INLINE PackedSeries SeriesOf(const Pack rates[3][4],
                                  const Pack coordinates[3], Pack h) {
  PackedSeries series;
  const Pack* l = coordinates;
  for (int a = 0; a < 3; ++a) {
    series.b[0][a] = l[a];
    series.b[1][a] = h * (rates[a][0] * l[0] + rates[a][1] * l[1] +
                          rates[a][2] * l[2] + rates[a][3]);
  }
  series.b[0][3] = 1.0 - l[0] - l[1] - l[2];
  series.b[1][3] = -(series.b[1][0] + series.b[1][1] + series.b[1][2]);
  for (int k = 2; k <= kPackTerms; ++k) {
    const Pack* before = series.b[k - 1];
    const Pack step = (1.0 / k) * h;
    for (int a = 0; a < 3; ++a) {
      series.b[k][a] =
          step * (rates[a][0] * before[0] + rates[a][1] * before[1] +
                  rates[a][2] * before[2]);
    }
    series.b[k][3] = -(series.b[k][0] + series.b[k][1] + series.b[k][2]);
  }
  return series;
}

// In units of `factor` times the time before.
CPAB_INLINE void Shorten(Pack factor, PackedSeries* series) {
  Pack power = factor;
  for (int k = 1; k <= kPackTerms; ++k) {
    for (int f = 0; f < 4; ++f) series->b[k][f] = power * series->b[k][f];
    power = power * factor;
  }
}

// The coordinate that is chosen[f] in each lane, and where it crosses 0 in
// [0, 1], by Halley's iteration from the quadratic that touches it at 0. It
// falls all the way. Clears the lanes of `wanted` whose iteration does not end.
CPAB_INLINE Pack SolveCrossing(const PackedSeries& series, const Mask chosen[4],
                               Mask* wanted) {
  Pack c[kPackTerms + 1];
  for (int k = 0; k <= kPackTerms; ++k) {
    c[k] = series.b[k][0];
    for (int f = 1; f < 4; ++f) {
      c[k] = Select(chosen[f], series.b[k][f], c[k]);
    }
  }
  c[0] = c[0] + kVolumeOverlap;
  const Pack root = Sqrt(Max(0.0, c[1] * c[1] - 4.0 * c[2] * c[0]));
  const Pack guess = 2.0 * c[0] / (root - c[1]);
  Pack u = Select((guess >= 0.0) & (guess <= 1.0), guess, 0.5);
  for (int i = 1;; ++i) {
    Pack value = c[kPackTerms], slope = 0.0, bend = 0.0;
    for (int k = kPackTerms - 1; k >= 0; --k) {
      bend = bend * u + slope;
      slope = slope * u + value;
      value = value * u + c[k];
    }
    const Pack step = value * slope / (slope * slope - value * bend);
    const Pack next = Max(0.0, Min(1.0, u - step));
    const Mask done = Abs(value) <= -kSolved * slope;
    if (i == kMaxSolveSteps || !Any(*wanted & ~done)) {
      *wanted = *wanted & done;
      return next;
    }
    // Lanes that are done stay: their results must not depend on the company.
    u = Select(done, u, next);
  }
}

// Coordinate f at time u.
CPAB_INLINE Pack ValueAt(const PackedSeries& series, int f, Pack u) {
  Pack value = series.b[kPackTerms][f];
  for (int k = kPackTerms - 1; k >= 0; --k) value = value * u + series.b[k][f];
  return value;
}

// The first crossing of any coordinate. `time` is 1 and `face` -1 in lanes
// without one.
struct FirstExit {
  Pack time;
  Pack face;
  Mask failed;
};

CPAB_INLINE FirstExit SolveFirst(const PackedSeries& series,
                                 const Mask crosses[4]) {
  FirstExit exit;
  exit.time = 1.0;
  exit.face = -1.0;
  exit.failed = Pack(0.0) < 0.0;
  Mask open[4] = {crosses[0], crosses[1], crosses[2], crosses[3]};
  for (;;) {
    const Mask wanted = open[0] | open[1] | open[2] | open[3];
    if (!Any(wanted)) return exit;
    // One of each path's: the one that is nearest along its tangent.
    Mask chosen[4];
    Pack least = std::numeric_limits<double>::infinity();
    Pack face = -1.0;
    for (int f = 0; f < 4; ++f) {
      const Pack guess = series.b[0][f] / -series.b[1][f];
      const Mask better = open[f] & (guess < least);
      least = Select(better, guess, least);
      face = Select(better, static_cast<double>(f), face);
    }
    for (int f = 0; f < 4; ++f) {
      const Pack number = static_cast<double>(f);
      chosen[f] = wanted & (face >= number) & (face <= number);
    }
    Mask solved = wanted;
    const Pack time = SolveCrossing(series, chosen, &solved);
    exit.failed = exit.failed | (wanted & ~solved);
    const Mask earlier = solved & (time < exit.time);
    exit.time = Select(earlier, time, exit.time);
    exit.face = Select(earlier, face, exit.face);
    // Of the others those that are below 0 by then cross before.
    for (int f = 0; f < 4; ++f) {
      open[f] = open[f] & ~chosen[f] &
                (ValueAt(series, f, exit.time) + kVolumeOverlap < 0.0);
    }
  }
}

}  // namespace cpab

#endif  // CPAB_VOLUME_PACKED_EXIT_H_
