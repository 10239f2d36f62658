#include "cpab/landmark/landmark_model.h"

#include <algorithm>

#include "cpab/batch/flow_chain.h"
#include "cpab/batch/flow_kind.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

template <int D>
class ModelOf : public LandmarkModel {
 public:
  using Kind = FlowKind<D>;
  using Basis = typename Kind::Basis;

  static absl::StatusOr<std::shared_ptr<const LandmarkModel>> Create(
      std::shared_ptr<const Basis> basis, const PriorOptions& options,
      int num_stages) {
    ASSIGN_OR_RETURN(std::shared_ptr<const SmoothnessPrior> prior,
                     SmoothnessPrior::Create(Kind::Vertices(*basis),
                                             basis->vertex_basis(), options));
    return std::shared_ptr<const LandmarkModel>(
        new ModelOf(std::move(basis), std::move(prior), num_stages));
  }

  int dimensions() const override { return D; }

  FlowAtLandmarks FlowAt(const Eigen::VectorXd& theta,
                         const Eigen::MatrixXd& points) const override {
    const Chain<D> chain(basis_, Stages(theta), Chain<D>::Time::kUnitTogether);
    const Eigen::Index count = points.cols();
    FlowAtLandmarks result = {Eigen::MatrixXd(D, count),
                              RowMajorMatrix(D * count, theta.size()),
                              Eigen::MatrixXd(D * count, D)};
    for (Eigen::Index k = 0; k < count; ++k) {
      const FlowDerivatives<D> at = chain.Jacobian(points.col(k));
      result.y.col(k) = at.y;
      result.dy_dtheta.template middleRows<D>(D * k) = at.dy_dtheta;
      result.dy_dx.template middleRows<D>(D * k) = at.dy_dx;
    }
    return result;
  }

  double MaxGradient(const Eigen::VectorXd& theta) const override {
    double largest = 0;
    for (int i = 0; i < num_stages(); ++i) {
      largest = std::max(
          largest,
          Kind::LargestGradient(basis_->CellsFromTheta(Stages(theta).col(i))));
    }
    return largest;
  }

 private:
  ModelOf(std::shared_ptr<const Basis> basis,
          std::shared_ptr<const SmoothnessPrior> prior, int num_stages)
      : LandmarkModel(std::move(prior), num_stages), basis_(std::move(basis)) {}

  std::shared_ptr<const Basis> basis_;
};

// `block` along the diagonal, `count` times.
Eigen::MatrixXd Repeated(const Eigen::MatrixXd& block, int count) {
  const Eigen::Index d = block.rows();
  Eigen::MatrixXd result = Eigen::MatrixXd::Zero(count * d, count * d);
  for (int i = 0; i < count; ++i) result.block(i * d, i * d, d, d) = block;
  return result;
}

}  // namespace

LandmarkModel::LandmarkModel(std::shared_ptr<const SmoothnessPrior> prior,
                             int num_stages)
    : prior_(std::move(prior)), num_stages_(num_stages) {
  if (num_stages == 1) return;
  precision_ = Repeated(prior_->precision() / num_stages, num_stages);
  covariance_ = Repeated(prior_->covariance() * num_stages, num_stages);
}

double LandmarkModel::Energy(const Eigen::VectorXd& theta) const {
  double sum = 0;
  for (int i = 0; i < num_stages_; ++i) {
    sum += prior_->Energy(Stages(theta).col(i));
  }
  return sum / num_stages_;
}

absl::StatusOr<std::shared_ptr<const LandmarkModel>> LandmarkModel::Create(
    std::shared_ptr<const IntervalBasis> basis, const PriorOptions& options,
    int num_stages) {
  return ModelOf<1>::Create(std::move(basis), options, num_stages);
}

absl::StatusOr<std::shared_ptr<const LandmarkModel>> LandmarkModel::Create(
    std::shared_ptr<const Basis> basis, const PriorOptions& options,
    int num_stages) {
  return ModelOf<2>::Create(std::move(basis), options, num_stages);
}

absl::StatusOr<std::shared_ptr<const LandmarkModel>> LandmarkModel::Create(
    std::shared_ptr<const VolumeBasis> basis, const PriorOptions& options,
    int num_stages) {
  return ModelOf<3>::Create(std::move(basis), options, num_stages);
}

}  // namespace cpab
