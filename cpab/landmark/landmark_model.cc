#include "cpab/landmark/landmark_model.h"

#include <algorithm>
#include <cmath>

#include "cpab/volume/volume_flow.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

class IntervalModel : public LandmarkModel {
 public:
  IntervalModel(std::shared_ptr<const IntervalBasis> basis,
                std::shared_ptr<const SmoothnessPrior> prior)
      : LandmarkModel(std::move(prior)), basis_(std::move(basis)) {}

  int dimensions() const override { return 1; }

  FlowAtLandmarks FlowAt(const Eigen::VectorXd& theta,
                         const Eigen::MatrixXd& points) const override {
    const IntervalFlow flow(basis_, theta);
    const Eigen::Index count = points.cols();
    FlowAtLandmarks result = {Eigen::MatrixXd(1, count),
                              RowMajorMatrix(count, theta_size()),
                              Eigen::MatrixXd(count, 1)};
    for (Eigen::Index k = 0; k < count; ++k) {
      const auto at = flow.Differentiate(points(0, k));
      result.y(0, k) = at.y;
      result.dy_dtheta.row(k) = at.dy_dtheta;
      result.dy_dx(k, 0) = std::exp(at.log_det);
    }
    return result;
  }

  double MaxGradient(const Eigen::VectorXd& theta) const override {
    return basis_->CellsFromTheta(theta).col(0).cwiseAbs().maxCoeff();
  }

 private:
  std::shared_ptr<const IntervalBasis> basis_;
};

class VolumeModel : public LandmarkModel {
 public:
  VolumeModel(std::shared_ptr<const VolumeBasis> basis,
              std::shared_ptr<const SmoothnessPrior> prior)
      : LandmarkModel(std::move(prior)), basis_(std::move(basis)) {}

  int dimensions() const override { return 3; }

  FlowAtLandmarks FlowAt(const Eigen::VectorXd& theta,
                         const Eigen::MatrixXd& points) const override {
    const VolumeFlow flow(basis_, theta);
    const Eigen::Index count = points.cols();
    FlowAtLandmarks result = {Eigen::MatrixXd(3, count),
                              RowMajorMatrix(3 * count, theta_size()),
                              Eigen::MatrixXd(3 * count, 3)};
    for (Eigen::Index k = 0; k < count; ++k) {
      const VolumeJacobian at = flow.Jacobian(points.col(k));
      result.y.col(k) = at.y;
      result.dy_dtheta.middleRows<3>(3 * k) = at.dy_dtheta;
      result.dy_dx.middleRows<3>(3 * k) = at.dy_dx;
    }
    return result;
  }

  double MaxGradient(const Eigen::VectorXd& theta) const override {
    const VolumeCoefficients cells = basis_->CellsFromTheta(theta);
    double largest = 0;
    for (Eigen::Index c = 0; c < cells.rows(); ++c) {
      const Eigen::Map<const AffineVelocity> A(cells.row(c).data());
      largest = std::max(largest, A.leftCols<3>().norm());
    }
    return largest;
  }

 private:
  std::shared_ptr<const VolumeBasis> basis_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const LandmarkModel>> LandmarkModel::Create(
    std::shared_ptr<const IntervalBasis> basis, const PriorOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<const SmoothnessPrior> prior,
                   SmoothnessPrior::Create(basis->vertices(),
                                           basis->vertex_basis(), options));
  return std::make_shared<const IntervalModel>(std::move(basis),
                                               std::move(prior));
}

absl::StatusOr<std::shared_ptr<const LandmarkModel>> LandmarkModel::Create(
    std::shared_ptr<const VolumeBasis> basis, const PriorOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<const SmoothnessPrior> prior,
                   SmoothnessPrior::Create(basis->vertices(),
                                           basis->vertex_basis(), options));
  return std::make_shared<const VolumeModel>(std::move(basis),
                                             std::move(prior));
}

}  // namespace cpab
