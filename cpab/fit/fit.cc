#include "cpab/fit/fit.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cpab/fit/adam_fit.h"
#include "cpab/fit/gauss_newton.h"
#include "cpab/fit/keypoint_minimum.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/fit/keypoint_pullback.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

absl::Status RequirePositive(absl::string_view name, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("fit.", name, " is ", value, "; use above 0"));
}

absl::Status Validate(const FitOptions& options) {
  RETURN_IF_ERROR(RequirePositive("tension", options.tension));
  RETURN_IF_ERROR(RequirePositive("noise", options.noise));
  RETURN_IF_ERROR(RequirePositive("max_iterations", options.max_iterations));
  RETURN_IF_ERROR(RequirePositive("tolerance", options.tolerance));
  RETURN_IF_ERROR(RequirePositive("trust_region", options.trust_region));
  RETURN_IF_ERROR(RequirePositive("max_gradient", options.max_gradient));
  RETURN_IF_ERROR(RequirePositive("adam_iterations", options.adam_iterations));
  return RequirePositive("adam_rate", options.adam_rate);
}

// Whether all numbers, and what the fit makes of them, are finite.
bool IsFinite(const WeightedPairs& pairs) {
  return (pairs.weights.array() > 0).all() &&
         std::isfinite(pairs.weights.sum()) &&
         std::isfinite(WeightedSquaredNorm(pairs.from, pairs.weights)) &&
         std::isfinite(WeightedSquaredNorm(pairs.to, pairs.weights)) &&
         std::isfinite(
             WeightedSquaredNorm(pairs.to - pairs.from, pairs.weights));
}

// Leaves out the pairs of weight 0.
WeightedPairs PairsThatCount(const KeypointPairs& pairs) {
  const int count = static_cast<int>(pairs.from.cols());
  assert(pairs.to.cols() == count);
  assert(pairs.weights.size() == 0 || pairs.weights.size() == count);
  WeightedPairs result;
  for (int k = 0; k < count; ++k) {
    if (pairs.weights.size() == 0 || pairs.weights[k] != 0) {
      result.index.push_back(k);
    }
  }
  const int kept = static_cast<int>(result.index.size());
  result.from.resize(2, kept);
  result.to.resize(2, kept);
  result.weights.setOnes(kept);
  for (int i = 0; i < kept; ++i) {
    const int k = result.index[i];
    result.from.col(i) = pairs.from.col(k);
    result.to.col(i) = pairs.to.col(k);
    if (pairs.weights.size() > 0) result.weights[i] = pairs.weights[k];
  }
  return result;
}

FitResult NotANumber(int theta_size) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  FitResult result;
  result.theta = Eigen::VectorXd::Constant(theta_size, nan);
  result.residual = result.cost = nan;
  result.tension = result.max_gradient = nan;
  return result;
}

FitResult Identity(int theta_size, double tension) {
  FitResult result;
  result.theta = Eigen::VectorXd::Zero(theta_size);
  result.tension = tension;
  result.converged = true;
  return result;
}

// Puts the columns of the pairs that count where they came from.
Eigen::Matrix2Xd Scatter(const Eigen::Matrix2Xd& columns,
                         const std::vector<int>& index, int64_t count) {
  Eigen::Matrix2Xd result = Eigen::Matrix2Xd::Zero(2, count);
  for (size_t i = 0; i < index.size(); ++i) {
    result.col(index[i]) = columns.col(i);
  }
  return result;
}

PairsGradient NotAGradient(const std::vector<int>& index, int64_t count) {
  const Eigen::Matrix2Xd nan = Eigen::Matrix2Xd::Constant(
      2, index.size(), std::numeric_limits<double>::quiet_NaN());
  return {Scatter(nan, index, count), Scatter(nan, index, count), false};
}

}  // namespace

absl::StatusOr<KeypointFitter> KeypointFitter::Create(
    std::shared_ptr<const Basis> basis, const FitOptions& options) {
  RETURN_IF_ERROR(Validate(options));
  if (basis->is_sparse()) {
    return absl::InvalidArgumentError(
        "KeypointFitter wants a dense basis, and this one is stored sparsely: "
        "use at most 32x32 cells without sparse_basis, or LandmarkFitter "
        "(cpab/landmark/landmark_fit.h)");
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Prior> prior,
                   Prior::Create(std::move(basis), options.prior));
  return KeypointFitter(std::move(prior), options);
}

KeypointFitter::KeypointFitter(std::shared_ptr<const Prior> prior,
                               const FitOptions& options)
    : options_(options), model_(std::make_shared<FitModel>(std::move(prior))) {}

const std::shared_ptr<const Basis>& KeypointFitter::basis() const {
  return model_->basis();
}

const Prior& KeypointFitter::prior() const { return *model_->prior; }

FitResult KeypointFitter::Fit(const KeypointPairs& pairs) const {
  const int theta_size = basis()->theta_size();
  const WeightedPairs weighted = PairsThatCount(pairs);
  if (!IsFinite(weighted)) return NotANumber(theta_size);
  if (weighted.index.empty()) return Identity(theta_size, options_.tension);
  return options_.solver == FitOptions::Solver::kAdam
             ? FitByAdam(basis(), options_, weighted)
             : FitByGaussNewton(*model_, options_, weighted);
}

std::vector<FitResult> KeypointFitter::FitAll(
    const std::vector<KeypointPairs>& problems,
    const ParallelFor& parallel_for) const {
  std::vector<FitResult> results(problems.size());
  parallel_for(static_cast<int64_t>(problems.size()),
               [&](int64_t i) { results[i] = Fit(problems[i]); });
  return results;
}

double KeypointFitter::Cost(
    const KeypointPairs& pairs,
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  const WeightedPairs weighted = PairsThatCount(pairs);
  if (!IsFinite(weighted)) return std::numeric_limits<double>::quiet_NaN();
  const FlowAtPairs flow(VelocityField(basis(), theta), weighted);
  return ResidualNorm(weighted.weights, options_)
             .Value(flow.residual, options_.tension) +
         0.5 * prior().Energy(theta);
}

FitResult KeypointFitter::Minimum(const KeypointPairs& pairs,
                                  const FitResult& result) const {
  const WeightedPairs weighted = PairsThatCount(pairs);
  if (weighted.index.empty() || !result.theta.allFinite()) return result;
  const MinimaOfFit minima = FindMinima(*model_, options_, weighted, result);
  const auto& [tension, theta] = minima.stages.back();
  const VelocityField field(basis(), theta);
  const FlowAtPairs flow(field, weighted);
  FitResult minimum;
  minimum.theta = theta;
  minimum.residual =
      std::sqrt(WeightedSquaredNorm(flow.residual, weighted.weights));
  minimum.cost =
      ResidualNorm(weighted.weights, options_).Value(flow.residual, tension) +
      0.5 * prior().Energy(theta);
  minimum.tension = tension;
  minimum.max_gradient = MaxGradient(field.cells());
  minimum.iterations = minima.iterations;
  minimum.converged = minima.converged;
  return minimum;
}

PairsGradient KeypointFitter::Pullback(
    const KeypointPairs& pairs, const FitResult& result,
    const Eigen::Ref<const Eigen::VectorXd>& dl_dtheta) const {
  const int64_t count = pairs.from.cols();
  const WeightedPairs weighted = PairsThatCount(pairs);
  if (!result.theta.allFinite() || !dl_dtheta.allFinite()) {
    return NotAGradient(weighted.index, count);
  }
  PairsGradient gradient = {Eigen::Matrix2Xd::Zero(2, count),
                            Eigen::Matrix2Xd::Zero(2, count), true};
  if (weighted.index.empty() || dl_dtheta.isZero(0)) return gradient;
  gradient = PullbackToPairs(*model_, options_, weighted,
                             FindMinima(*model_, options_, weighted, result),
                             dl_dtheta);
  gradient.from = Scatter(gradient.from, weighted.index, count);
  gradient.to = Scatter(gradient.to, weighted.index, count);
  return gradient;
}

}  // namespace cpab
