#include "cpab/landmark/stage_prior.h"

#include <utility>

namespace cpab {
namespace {

// `block` along the diagonal, `count` times.
Eigen::MatrixXd Repeated(const Eigen::MatrixXd& block, int count) {
  const Eigen::Index d = block.rows();
  Eigen::MatrixXd result = Eigen::MatrixXd::Zero(count * d, count * d);
  for (int i = 0; i < count; ++i) result.block(i * d, i * d, d, d) = block;
  return result;
}

// The mean over the stages.
template <typename Prior>
double MeanEnergy(const Prior& prior, const Eigen::VectorXd& theta,
                  int num_stages) {
  const Eigen::Index d = theta.size() / num_stages;
  double sum = 0;
  for (int i = 0; i < num_stages; ++i) {
    sum += prior.Energy(theta.segment(i * d, d));
  }
  return sum / num_stages;
}

class DensePrior : public StagePrior {
 public:
  DensePrior(std::shared_ptr<const SmoothnessPrior> prior, int num_stages)
      : prior_(std::move(prior)), num_stages_(num_stages) {
    if (num_stages == 1) return;
    precision_ = Repeated(prior_->precision() / num_stages, num_stages);
    covariance_ = Repeated(prior_->covariance() * num_stages, num_stages);
  }

  int theta_size() const override {
    return static_cast<int>(num_stages_ * prior_->precision().rows());
  }
  double Energy(const Eigen::VectorXd& theta) const override {
    return MeanEnergy(*prior_, theta, num_stages_);
  }
  Eigen::VectorXd PrecisionTimes(const Eigen::VectorXd& theta) const override {
    return *precision() * theta;
  }
  Eigen::MatrixXd CovarianceTimesTranspose(
      const RowMajorMatrix& J) const override {
    const Eigen::MatrixXd& covariance =
        num_stages_ == 1 ? prior_->covariance() : covariance_;
    return covariance * J.transpose();
  }
  const Eigen::MatrixXd* precision() const override {
    return num_stages_ == 1 ? &prior_->precision() : &precision_;
  }

 private:
  std::shared_ptr<const SmoothnessPrior> prior_;
  int num_stages_;
  // Of all stages, where there are several.
  Eigen::MatrixXd precision_, covariance_;
};

class SparseStagePrior : public StagePrior {
 public:
  SparseStagePrior(std::shared_ptr<const SparsePrior> prior, int num_stages)
      : prior_(std::move(prior)), num_stages_(num_stages) {}

  int theta_size() const override { return num_stages_ * prior_->theta_size(); }
  double Energy(const Eigen::VectorXd& theta) const override {
    return MeanEnergy(*prior_, theta, num_stages_);
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
  const Eigen::MatrixXd* precision() const override { return nullptr; }

 private:
  std::shared_ptr<const SparsePrior> prior_;
  int num_stages_;
};

}  // namespace

std::unique_ptr<const StagePrior> StagePrior::Create(
    std::shared_ptr<const SmoothnessPrior> prior, int num_stages) {
  return std::make_unique<const DensePrior>(std::move(prior), num_stages);
}

std::unique_ptr<const StagePrior> StagePrior::Create(
    std::shared_ptr<const SparsePrior> prior, int num_stages) {
  return std::make_unique<const SparseStagePrior>(std::move(prior), num_stages);
}

}  // namespace cpab
