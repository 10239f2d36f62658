#include "cpab/landmark/landmark_model.h"

#include <algorithm>

#include "cpab/batch/basis_prior.h"
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
    ASSIGN_OR_RETURN(std::unique_ptr<const StagePrior> prior,
                     PriorOf(*basis, options, num_stages));
    return std::shared_ptr<const LandmarkModel>(
        new ModelOf(std::move(basis), std::move(prior), num_stages));
  }

  int dimensions() const override { return D; }

  FlowAtLandmarks FlowAt(const Eigen::VectorXd& theta,
                         const Eigen::MatrixXd& points) const override {
    const Chain<D> chain = ChainOf(theta);
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

  Eigen::MatrixXd Transform(const Eigen::VectorXd& theta,
                            const Eigen::MatrixXd& points) const override {
    return ChainOf(theta).Transform(points);
  }

  LandmarkPullback Pullback(const Eigen::VectorXd& theta,
                            const Eigen::MatrixXd& points,
                            const Eigen::MatrixXd& f) const override {
    const ChainGradient<D> gradient = ChainOf(theta).Pullback(points, f);
    return {gradient.thetas.reshaped(), gradient.points};
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
          std::unique_ptr<const StagePrior> prior, int num_stages)
      : LandmarkModel(std::move(prior), num_stages), basis_(std::move(basis)) {}

  Chain<D> ChainOf(const Eigen::VectorXd& theta) const {
    return Chain<D>(basis_, Stages(theta), Chain<D>::Time::kUnitTogether);
  }

  static absl::StatusOr<std::unique_ptr<const StagePrior>> PriorOf(
      const Basis& basis, const PriorOptions& options, int num_stages) {
    ASSIGN_OR_RETURN(BasisPrior prior, BasisPriorOf(basis, options));
    if (prior.sparse != nullptr) {
      return StagePrior::Create(std::move(prior.sparse), num_stages);
    }
    return StagePrior::Create(std::move(prior.dense), num_stages);
  }

  std::shared_ptr<const Basis> basis_;
};

}  // namespace

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
