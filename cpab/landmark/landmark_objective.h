// The objective of cpab/landmark/landmark_fit.h about one field.
//
// Private to //cpab/landmark.
#ifndef CPAB_LANDMARK_LANDMARK_OBJECTIVE_H_
#define CPAB_LANDMARK_LANDMARK_OBJECTIVE_H_

#include <vector>

#include "Eigen/Core"
#include "cpab/fit/fit_problem.h"
#include "cpab/landmark/landmark_model.h"

namespace cpab {

// The pairs that count, all of weights above 0, and where they were.
struct CountedPairs {
  Eigen::MatrixXd from, to;  // [D, K]
  Eigen::RowVectorXd weights;
  std::vector<Eigen::Index> index;
};

// Refers to the model and the pairs, which must outlive it.
class LandmarkObjective {
 public:
  LandmarkObjective(const LandmarkModel& model, const FitOptions& options,
                    const CountedPairs& pairs, double tension);

  struct State {
    Eigen::VectorXd theta;
    FlowAtLandmarks flow;
    Eigen::MatrixXd residual;  // r, [D, K]
    double cost;
  };
  State At(const Eigen::VectorXd& theta) const;

  const LandmarkModel& model() const { return *model_; }
  FlowAtLandmarks FlowAt(const Eigen::VectorXd& theta) const {
    return model_->FlowAt(theta, pairs_->from);
  }
  LandmarkPullback Pullback(const Eigen::VectorXd& theta,
                            const Eigen::MatrixXd& f) const {
    return model_->Pullback(theta, pairs_->from, f);
  }

  // The diagonal of H^-1 of the quadratic that touches the norm, [D K].
  Eigen::VectorXd Compliance(const Eigen::MatrixXd& r) const;
  // f = -d(norm)/dr transposed to the flow: what pulls T(p) to q, [D K].
  Eigen::VectorXd Forces(const Eigen::MatrixXd& r) const;
  // The exact Hessian H of the norm times v, [D K]. Its inverse is
  // diag Compliance() + r r^T / OuterDivisor(): not as a sum, which loses its
  // first term where r is far above the noise.
  Eigen::VectorXd HessianTimes(const Eigen::MatrixXd& r,
                               const Eigen::VectorXd& v) const;
  double OuterDivisor(const Eigen::MatrixXd& r) const;
  // dE/dtheta.
  Eigen::VectorXd Gradient(const State& state) const;

  // What rounding leaves uncertain of the cost.
  double Rounding(const State& state) const;
  // sum w |r|^2.
  double SumOfSquares(const Eigen::MatrixXd& r) const;

 private:
  double Rho(const Eigen::MatrixXd& r) const;

  const LandmarkModel* model_;
  const CountedPairs* pairs_;
  double tension_;
  double floor_;
};

// The columns of a matrix one after the other, and back.
inline Eigen::VectorXd Flat(const Eigen::MatrixXd& columns) {
  return Eigen::Map<const Eigen::VectorXd>(columns.data(), columns.size());
}
inline Eigen::MatrixXd Columns(const Eigen::VectorXd& flat, Eigen::Index rows) {
  return Eigen::Map<const Eigen::MatrixXd>(flat.data(), rows,
                                           flat.size() / rows);
}

}  // namespace cpab

#endif  // CPAB_LANDMARK_LANDMARK_OBJECTIVE_H_
