#include "tools/reliability/fit_trials.h"

#include <algorithm>
#include <cmath>

#include "Eigen/LU"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cpab/fit/fit.h"
#include "cpab/flow/flow.h"
#include "cpab/testing/draws.h"
#include "cpab/testing/keypoint_draws.h"

namespace reliability {
namespace {

using cpab::FitOptions;
using cpab::FitResult;
using cpab::KeypointFitter;
using cpab::KeypointPairs;

// How the model fits: its transforms of one keypoint set, or of all.
struct Setting {
  explicit Setting(int cells, int num_pairs, int adam_iterations)
      : pairs(num_pairs),
        fitter(cpab::test_util::MakeFitter({cells, cells})),
        adam(cpab::test_util::MakeFitter({cells, cells},
                                         AdamOptions(adam_iterations))) {}

  static FitOptions AdamOptions(int iterations) {
    FitOptions options;
    options.solver = FitOptions::Solver::kAdam;
    options.adam_iterations = iterations;
    return options;
  }

  int pairs;
  KeypointFitter fitter;
  KeypointFitter adam;
};

struct Counts {
  // By more than a hundredth, of the draws of each kind; and the most of all.
  int64_t above_minimum[3] = {};
  double highest = 1;
  int64_t without_minimum = 0;  // Newton's method found none
  int64_t with_adams = 0;       // of which E was compared with Adam's
  int64_t not_converged = 0;
  int64_t iterations = 0;
};

KeypointPairs DrawPairs(int64_t kind, int count, uint64_t seed) {
  switch (kind) {
    case 0:
      return cpab::test_util::DrawSmoothMotion(count, 0, seed);
    case 1:
      return cpab::test_util::DrawSmoothMotion(count, 0.03, seed);
    default:
      return cpab::test_util::DrawNonsense(count, seed);
  }
}

// "" or what is wrong.
std::string TryFit(const Setting& setting, const KeypointPairs& pairs,
                   int64_t kind, Counts* counts) {
  const KeypointFitter& fitter = setting.fitter;
  const FitResult result = fitter.Fit(pairs);
  const FitResult adam = setting.adam.Fit(pairs);
  counts->iterations += result.iterations;
  counts->not_converged += !result.converged;
  const double met =
      fitter.options().noise * std::sqrt(static_cast<double>(setting.pairs));
  if (!(result.residual <= std::max(adam.residual, met))) {
    return absl::StrCat("the residual is ", result.residual, ", Adam's ",
                        adam.residual, ", the noise's ", met);
  }
  // Where max_gradient took effect, Adam's field is none that is allowed.
  if (result.tension == fitter.options().tension) {
    ++counts->with_adams;
    const double adams = fitter.Cost(pairs, adam.theta);
    if (!(result.cost <= adams * (1 + 1e-9))) {
      return absl::StrCat("E is ", result.cost, ", Adam's ", adams);
    }
  }
  const FitResult minimum = fitter.Minimum(pairs, result);
  if (!minimum.converged || minimum.tension != result.tension) {
    ++counts->without_minimum;
  } else if (minimum.cost > 0) {
    counts->above_minimum[kind] += !(result.cost <= 1.01 * minimum.cost);
    counts->highest = std::max(counts->highest, result.cost / minimum.cost);
  }
  if (result.converged &&
      result.max_gradient > fitter.options().max_gradient * (1 + 1e-7)) {
    return "says that it has converged, beyond the bound of its gradient";
  }
  const cpab::Flow flow(fitter.basis(), result.theta);
  const Eigen::Matrix2Xd points = cpab::test_util::DrawPoints(20, 0, 1, 1);
  for (const Eigen::Vector2d x : points.colwise()) {
    if (!(flow.Jacobian(x).dy_dx.determinant() > 0)) return "turns inside out";
  }
  return "";
}

}  // namespace

CpabReport TryFits(int64_t count, uint64_t seed) {
  const Setting local(4, 5, 100);
  const Setting global(6, 50, 150);
  CpabReport report;
  Counts counts;
  for (; report.trials < count; ++report.trials) {
    const Setting& setting = report.trials % 10 == 9 ? global : local;
    const int64_t kind = report.trials % 3;
    const uint64_t draw = seed + static_cast<uint64_t>(report.trials);
    const std::string wrong =
        TryFit(setting, DrawPairs(kind, setting.pairs, draw), kind, &counts);
    if (!wrong.empty()) {
      report.failures.push_back(
          absl::StrCat("fit of seed ", draw, ": ", wrong));
    }
  }
  const int64_t* const above = counts.above_minimum;
  // Two of three draws are of the first two kinds. One may always be.
  if ((above[0] + above[1]) * 100 > count * 2 / 3 + 99) {
    report.failures.push_back(absl::StrCat(
        above[0] + above[1], " fits of motions are above their minimum"));
  }
  report.measured = absl::StrFormat(
      "more than 1 %% above their minimum: %d of smooth motions, %d with "
      "noise, "
      "%d of unrelated points, at most %.2f times; without one nearby %d, not "
      "converged %d; %.1f iterations; E compared with Adam's in %d",
      above[0], above[1], above[2], counts.highest, counts.without_minimum,
      counts.not_converged,
      static_cast<double>(counts.iterations) / static_cast<double>(count),
      counts.with_adams);
  return report;
}

}  // namespace reliability
