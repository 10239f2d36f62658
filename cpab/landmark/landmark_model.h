// What a fit of landmarks needs of a number of dimensions: the flow at the
// landmarks with its derivatives, and the prior.
//
// A model with n stages is that of a chain of flows that take unit time
// together (cpab/batch/flow_chain.h): theta holds those of all stages, one
// after the other, each as the field of a flow that takes unit time, and the
// prior's energy is the mean over the stages.
//
// Private to //cpab/landmark. Tested by landmark_objective_test.cc.
#ifndef CPAB_LANDMARK_LANDMARK_MODEL_H_
#define CPAB_LANDMARK_LANDMARK_MODEL_H_

#include <memory>
#include <utility>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/landmark/stage_prior.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// T at K points. Row D k + a is component a of point k.
struct FlowAtLandmarks {
  Eigen::MatrixXd y;         // [D, K]
  RowMajorMatrix dy_dtheta;  // J, [D K, n d]
  Eigen::MatrixXd dy_dx;     // [D K, D]
};

// What a function of T(points) depends on, if it depends on them by f.
struct LandmarkPullback {
  Eigen::VectorXd theta;   // J^T f, [n d]
  Eigen::MatrixXd points;  // [D, K]
};

// Immutable; safe to use from many threads.
class LandmarkModel {
 public:
  // `num_stages` is at least 1.
  static absl::StatusOr<std::shared_ptr<const LandmarkModel>> Create(
      std::shared_ptr<const IntervalBasis> basis, const PriorOptions& options,
      int num_stages);
  static absl::StatusOr<std::shared_ptr<const LandmarkModel>> Create(
      std::shared_ptr<const Basis> basis, const PriorOptions& options,
      int num_stages);
  static absl::StatusOr<std::shared_ptr<const LandmarkModel>> Create(
      std::shared_ptr<const VolumeBasis> basis, const PriorOptions& options,
      int num_stages);

  virtual ~LandmarkModel() = default;

  virtual int dimensions() const = 0;
  int num_stages() const { return num_stages_; }
  int theta_size() const { return prior_->theta_size(); }
  const StagePrior& prior() const { return *prior_; }

  virtual FlowAtLandmarks FlowAt(const Eigen::VectorXd& theta,
                                 const Eigen::MatrixXd& points) const = 0;
  // T(points), and J^T f and (dT/dx)^T f for f [D, K]: by the adjoint, without
  // J.
  virtual Eigen::MatrixXd Transform(const Eigen::VectorXd& theta,
                                    const Eigen::MatrixXd& points) const = 0;
  virtual LandmarkPullback Pullback(const Eigen::VectorXd& theta,
                                    const Eigen::MatrixXd& points,
                                    const Eigen::MatrixXd& f) const = 0;
  // The largest Frobenius norm of the velocity gradient in any cell of any
  // stage.
  virtual double MaxGradient(const Eigen::VectorXd& theta) const = 0;

 protected:
  LandmarkModel(std::unique_ptr<const StagePrior> prior, int num_stages)
      : prior_(std::move(prior)), num_stages_(num_stages) {}

  // theta, one column a stage.
  Eigen::Map<const Eigen::MatrixXd> Stages(const Eigen::VectorXd& theta) const {
    return {theta.data(), theta.size() / num_stages_, num_stages_};
  }

 private:
  std::unique_ptr<const StagePrior> prior_;
  int num_stages_;
};

}  // namespace cpab

#endif  // CPAB_LANDMARK_LANDMARK_MODEL_H_
