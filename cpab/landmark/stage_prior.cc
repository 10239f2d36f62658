#include "cpab/landmark/stage_prior.h"

#include <cassert>
#include <type_traits>
#include <utility>

namespace cpab {
namespace {

// Keeps what is of one field: all stages have the same block.
template <typename Prior>
class RepeatedPrior : public StagePrior {
 public:
  RepeatedPrior(std::shared_ptr<const Prior> prior, int num_stages)
      : prior_(std::move(prior)), num_stages_(num_stages) {}

  int theta_size() const override { return num_stages_ * prior_->theta_size(); }
  double Energy(const Eigen::VectorXd& theta) const override {
    const Eigen::Index d = prior_->theta_size();
    double sum = 0;
    for (int i = 0; i < num_stages_; ++i) {
      sum += prior_->Energy(theta.segment(i * d, d));
    }
    return sum / num_stages_;
  }
  Eigen::VectorXd PrecisionTimes(const Eigen::VectorXd& theta) const override {
    const Eigen::Index d = prior_->theta_size();
    Eigen::VectorXd result(theta.size());
    for (int i = 0; i < num_stages_; ++i) {
      result.segment(i * d, d) =
          prior_->PrecisionTimes(theta.segment(i * d, d)) / num_stages_;
    }
    return result;
  }
  Eigen::MatrixXd CovarianceTimesTranspose(
      const RowMajorMatrix& J) const override {
    const Eigen::Index d = prior_->theta_size();
    Eigen::MatrixXd result(J.cols(), J.rows());
    for (int i = 0; i < num_stages_; ++i) {
      result.middleRows(i * d, d) =
          prior_->CovarianceTimes(J.middleCols(i * d, d).transpose()) *
          num_stages_;
    }
    return result;
  }

  bool is_dense() const override { return kIsDense; }
  Eigen::MatrixXd Precision() const override {
    assert(kIsDense);
    Eigen::MatrixXd result = Eigen::MatrixXd::Zero(theta_size(), theta_size());
    if constexpr (kIsDense) {
      const Eigen::Index d = prior_->theta_size();
      for (int i = 0; i < num_stages_; ++i) {
        result.block(i * d, i * d, d, d) = prior_->precision() / num_stages_;
      }
    }
    return result;
  }

 private:
  static constexpr bool kIsDense = std::is_same_v<Prior, SmoothnessPrior>;

  std::shared_ptr<const Prior> prior_;
  int num_stages_;
};

}  // namespace

std::unique_ptr<const StagePrior> StagePrior::Create(
    std::shared_ptr<const SmoothnessPrior> prior, int num_stages) {
  return std::make_unique<const RepeatedPrior<SmoothnessPrior>>(
      std::move(prior), num_stages);
}

std::unique_ptr<const StagePrior> StagePrior::Create(
    std::shared_ptr<const SparsePrior> prior, int num_stages) {
  return std::make_unique<const RepeatedPrior<SparsePrior>>(std::move(prior),
                                                            num_stages);
}

}  // namespace cpab
