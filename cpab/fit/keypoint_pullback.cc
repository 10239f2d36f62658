// Tested by fit_test.cc.
#include "cpab/fit/keypoint_pullback.h"

#include "cpab/fit/curvature_solve.h"
#include "cpab/fit/keypoint_curvature.h"
#include "cpab/fit/solver_constants.h"

namespace cpab {
namespace {

// d MaxGradient / dtheta: only the cell with the largest gradient M counts,
// whose Frobenius norm has the derivative M / |M|.
Eigen::VectorXd MaxGradientSlope(const Basis& basis,
                                 const Eigen::VectorXd& theta) {
  const CellCoefficients cells = basis.CellsFromTheta(theta);
  CellCoefficients slope = CellCoefficients::Zero(cells.rows(), cells.cols());
  Eigen::Index steepest = 0;
  double largest = -1;
  for (Eigen::Index c = 0; c < cells.rows(); ++c) {
    const double gradient = MaxGradient(cells.row(c));
    if (gradient <= largest) continue;
    largest = gradient;
    steepest = c;
  }
  for (const int entry : {0, 1, 3, 4}) {
    slope(steepest, entry) = cells(steepest, entry) / largest;
  }
  return basis.ThetaFromCells(slope);
}

}  // namespace

// Back through the stages. The tension of each is that of the one before times
// a factor that depends on the velocity gradient there: t' = t
// factor(G(theta)).
PairsGradient PullbackToPairs(const FitModel& model, const FitOptions& options,
                              const WeightedPairs& pairs,
                              const MinimaOfFit& minima,
                              const Eigen::VectorXd& dl_dtheta) {
  PairsGradient gradient;
  gradient.from.setZero(2, pairs.from.cols());
  gradient.to.setZero(2, pairs.from.cols());
  gradient.exact = minima.converged;
  Eigen::VectorXd stage_gradient = dl_dtheta;
  double dl_dtension = 0;
  for (size_t i = minima.stages.size(); i-- > 0;) {
    const auto& [tension, theta] = minima.stages[i];
    const KeypointCurvature curvature(model, options, pairs, tension, theta);
    const auto [lambda, least] =
        SolveCurvature(curvature, stage_gradient, solver::kPullbackTolerance);
    const Eigen::Matrix2Xd to = curvature.ForceChange(lambda);
    gradient.to += to;
    gradient.from +=
        curvature.TransportAlong(lambda).points - curvature.ToPoints(to);
    gradient.exact = gradient.exact && least >= solver::kLeastCurvature;
    if (i == 0) break;
    dl_dtension += lambda.dot(model.prior->precision() * theta) / tension;
    const KeypointMinimum& before = minima.stages[i - 1];
    const TensionChange change = LoweredTension(
        MaxGradient(model.basis()->CellsFromTheta(before.theta)), options);
    stage_gradient = dl_dtension * before.tension * change.slope *
                     MaxGradientSlope(*model.basis(), before.theta);
    dl_dtension *= change.factor;
  }
  return gradient;
}

}  // namespace cpab
