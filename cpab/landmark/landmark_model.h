// What a fit of landmarks needs of a number of dimensions: the flow at the
// landmarks with dense derivatives, and the prior.
//
// Private to //cpab/landmark.
#ifndef CPAB_LANDMARK_LANDMARK_MODEL_H_
#define CPAB_LANDMARK_LANDMARK_MODEL_H_

#include <memory>
#include <utility>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// T at K points. Row D k + a is component a of point k.
struct FlowAtLandmarks {
  Eigen::MatrixXd y;         // [D, K]
  RowMajorMatrix dy_dtheta;  // J, [D K, d]
  Eigen::MatrixXd dy_dx;     // [D K, D]
};

class LandmarkModel {
 public:
  static absl::StatusOr<std::shared_ptr<const LandmarkModel>> Create(
      std::shared_ptr<const IntervalBasis> basis, const PriorOptions& options);
  static absl::StatusOr<std::shared_ptr<const LandmarkModel>> Create(
      std::shared_ptr<const VolumeBasis> basis, const PriorOptions& options);

  virtual ~LandmarkModel() = default;

  virtual int dimensions() const = 0;
  int theta_size() const {
    return static_cast<int>(prior_->precision().rows());
  }
  const SmoothnessPrior& prior() const { return *prior_; }

  virtual FlowAtLandmarks FlowAt(const Eigen::VectorXd& theta,
                                 const Eigen::MatrixXd& points) const = 0;
  // The largest Frobenius norm of the velocity gradient in any cell.
  virtual double MaxGradient(const Eigen::VectorXd& theta) const = 0;

 protected:
  explicit LandmarkModel(std::shared_ptr<const SmoothnessPrior> prior)
      : prior_(std::move(prior)) {}

 private:
  std::shared_ptr<const SmoothnessPrior> prior_;
};

}  // namespace cpab

#endif  // CPAB_LANDMARK_LANDMARK_MODEL_H_
