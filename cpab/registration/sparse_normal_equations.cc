#include "cpab/registration/sparse_normal_equations.h"

#include <cstdint>
#include <utility>

#include "Eigen/LU"
#include "cpab/field/nested_cholesky.h"

namespace cpab {
namespace {

using RowMatrix = Eigen::SparseMatrix<double, Eigen::RowMajor>;

// `block` along the diagonal, `count` times, each times `factor`.
SparseMatrix Repeated(const SparseMatrix& block, int count, double factor) {
  std::vector<Eigen::Triplet<double>> triplets;
  triplets.reserve(block.nonZeros() * count);
  for (int i = 0; i < count; ++i) {
    for (Eigen::Index q = 0; q < block.cols(); ++q) {
      for (SparseMatrix::InnerIterator entry(block, q); entry; ++entry) {
        triplets.emplace_back(i * block.rows() + entry.row(),
                              i * block.cols() + q, factor * entry.value());
      }
    }
  }
  SparseMatrix result(count * block.rows(), count * block.cols());
  result.setFromTriplets(triplets.begin(), triplets.end());
  return result;
}

Eigen::MatrixXd Repeated(const Eigen::MatrixXd& block, int count) {
  Eigen::MatrixXd result =
      Eigen::MatrixXd::Zero(count * block.rows(), count * block.cols());
  for (int i = 0; i < count; ++i) {
    result.block(i * block.rows(), i * block.cols(), block.rows(),
                 block.cols()) = block;
  }
  return result;
}

}  // namespace

SparseNormalEquations::SparseNormalEquations(
    std::shared_ptr<const SparsePrior> prior, int num_stages, double weight,
    const std::vector<ValueSlopes>& parts, const Eigen::VectorXd& theta,
    const ParallelFor& parallel_for)
    : prior_(std::move(prior)), num_stages_(num_stages) {
  const SparseBasis& basis = *prior_->basis();
  const Eigen::Index d = basis.cols();
  const RowMatrix Z = Repeated(basis.free_basis(), num_stages, 1);
  data_.resize(num_stages * d, num_stages * d);
  free_gradient_.setZero(num_stages * d);
  std::vector<SparseMatrix> data(parts.size());
  std::vector<Eigen::VectorXd> gradients(parts.size());
  parallel_for(static_cast<int64_t>(parts.size()), [&](int64_t i) {
    const RowMatrix J = parts[i].rows * Z;
    const RowMatrix scaled = parts[i].curvature.asDiagonal() * J;
    data[i] = weight * SparseMatrix(J.transpose() * scaled);
    gradients[i] = weight * (J.transpose() * parts[i].gradient);
  });
  for (size_t i = 0; i < parts.size(); ++i) {
    data_ += data[i];
    free_gradient_ += gradients[i];
    data[i].resize(0, 0);
  }
  gradient_.resize(num_stages * d);
  for (int i = 0; i < num_stages; ++i) {
    const Eigen::VectorXd of_prior =
        prior_->PrecisionTimes(theta.segment(i * d, d)) / num_stages;
    gradient_.segment(i * d, d) =
        basis.ThetaDualFromFree(free_gradient_.segment(i * d, d)) + of_prior;
    free_gradient_.segment(i * d, d) += basis.FreeDualFromTheta(of_prior);
  }
}

// With S = data + c H + damping diag(data + c H), c = 1 / stages, and R, M of
// all stages,
//
//   (S - c R M R^T)^-1 = S^-1 + S^-1 R (M^-1 / c - R^T S^-1 R)^-1 R^T S^-1.
Eigen::VectorXd SparseNormalEquations::Solve(double damping) const {
  const double share = 1.0 / num_stages_;
  SparseMatrix system = data_ + Repeated(prior_->rough(), num_stages_, share);
  system.diagonal() *= 1 + damping;
  const NestedCholesky factor(system,
                              prior_->free_places().replicate(1, num_stages_));
  Eigen::VectorXd z = factor.Solve(free_gradient_);
  if (prior_->affine().size() > 0) {
    const Eigen::MatrixXd R = Repeated(prior_->affine(), num_stages_);
    const Eigen::MatrixXd solved = factor.Solve(R);
    const Eigen::MatrixXd left =
        Repeated(Eigen::MatrixXd(prior_->coupling().inverse() / share),
                 num_stages_) -
        R.transpose() * solved;
    z += solved * left.ldlt().solve(R.transpose() * z);
  }
  const Eigen::Index d = prior_->theta_size();
  const Eigen::MatrixXd thetas =
      prior_->basis()->ThetasFromFree(z.reshaped(d, num_stages_));
  return thetas.reshaped();
}

}  // namespace cpab
