#include "cpab/fit/keypoint_objective.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cpab/fit/solver_constants.h"
#include "cpab/flow/pack.h"

namespace cpab {
namespace {

// P^T P W: P takes vertex velocities u to the coefficients U S_c of each cell.
RowMajorMatrix ForceFromDual(const Basis& basis) {
  const RowMajorMatrix& w = basis.vertex_basis();
  const auto& cells = basis.tessellation().cells();
  RowMajorMatrix result = RowMajorMatrix::Zero(w.rows(), w.cols());
  for (size_t c = 0; c < cells.size(); ++c) {
    const Eigen::Matrix3d& shape = basis.shape_matrix(static_cast<int>(c));
    const Eigen::Matrix3d products = shape * shape.transpose();
    for (int n = 0; n < 3; ++n) {
      for (int m = 0; m < 3; ++m) {
        result.middleRows<2>(2 * cells[c][n]) +=
            products(n, m) * w.middleRows<2>(2 * cells[c][m]);
      }
    }
  }
  return result;
}

// sum = matrix^T force by the `rows` that have one. A few columns of all rows
// are summed in registers.
struct SumOfRows {
  const RowMajorMatrix& matrix;
  const VertexVector& force;
  const std::vector<Eigen::Index>& rows;
  Eigen::VectorXd& sum;

  template <int kPacks>
  CPAB_INLINE void SumColumns(Eigen::Index j) {
    Pack of_columns[kPacks];
    for (int p = 0; p < kPacks; ++p) of_columns[p] = 0;
    for (const Eigen::Index i : rows) {
      for (int p = 0; p < kPacks; ++p) {
        of_columns[p] =
            of_columns[p] + force[i] * Load(&matrix(i, j + Pack::kSize * p));
      }
    }
    for (int p = 0; p < kPacks; ++p) {
      Store(of_columns[p], &sum[j + Pack::kSize * p]);
    }
  }

  CPAB_INLINE void Run() {
    constexpr int kPacks = 4;
    Eigen::Index j = 0;
    for (; j + kPacks * Pack::kSize <= sum.size(); j += kPacks * Pack::kSize) {
      SumColumns<kPacks>(j);
    }
    for (; j + Pack::kSize <= sum.size(); j += Pack::kSize) SumColumns<1>(j);
    for (; j < sum.size(); ++j) {
      sum[j] = 0;
      for (const Eigen::Index i : rows) sum[j] += force[i] * matrix(i, j);
    }
  }
};

}  // namespace

FitModel::FitModel(std::shared_ptr<const Prior> shared_prior)
    : prior(std::move(shared_prior)) {
  const RowMajorMatrix& vertex_basis = basis()->vertex_basis();  // W
  theta_from_force = prior->covariance() * vertex_basis.transpose();
  vertex_covariance = vertex_basis * theta_from_force;
  force_from_dual = ForceFromDual(*basis());
}

// The covariance is symmetric.
VertexVector FitModel::Velocities(const VertexVector& force) const {
  return TransposeTimesForce(vertex_covariance, force);
}

Eigen::VectorXd TransposeTimesForce(const RowMajorMatrix& matrix,
                                    const VertexVector& force) {
  std::vector<Eigen::Index> rows;
  for (Eigen::Index i = 0; i < force.size(); ++i) {
    if (force[i] != 0) rows.push_back(i);
  }
  Eigen::VectorXd sum(matrix.cols());
  SumOfRows work{matrix, force, rows, sum};
  RunVectorised(&work);
  return sum;
}

FlowAtPairs::FlowAtPairs(const VelocityField& field, const WeightedPairs& pairs)
    : jacobian(SensitivitiesOfPoints(field, pairs.from),
               field.tessellation().num_vertices()),
      residual(pairs.to) {
  for (int k = 0; k < residual.cols(); ++k) {
    residual.col(k) -= jacobian.point(k).y;
  }
}

ResidualNorm::ResidualNorm(const Eigen::RowVectorXd& weights,
                           const FitOptions& options)
    : weights_(weights),
      floor_(std::max(options.noise * options.noise * weights.sum(),
                      solver::kLeastFloor)) {}

double ResidualNorm::Dot(const Eigen::Matrix2Xd& r,
                         const Eigen::Matrix2Xd& v) const {
  const Eigen::RowVectorXd dot = r.cwiseProduct(v).colwise().sum();
  return dot.dot(weights_);
}

double ResidualNorm::Rho(const Eigen::Matrix2Xd& r) const {
  return std::sqrt(Dot(r, r) + floor_);
}

double ResidualNorm::Value(const Eigen::Matrix2Xd& r, double tension) const {
  // rho - rho_0 without cancellation.
  const double sum = Rho(r) + std::sqrt(floor_);
  const Eigen::ArrayXXd excess = r.colwise().squaredNorm().array() / sum;
  return tension * (excess * weights_.array()).sum();
}

Eigen::Matrix2Xd ResidualNorm::Forces(const Eigen::Matrix2Xd& r,
                                      double tension) const {
  return (r.array().rowwise() / Compliance(r, tension).array()).matrix();
}

// Each residual is uncertain by a few epsilon of `size`: to first order forces
// times that, and of second order at a residual of 0, where forces vanish, but
// never more than the norm of all these.
double ResidualNorm::Rounding(const Eigen::Matrix2Xd& r, double tension,
                              double size) const {
  const double unit = 8 * std::numeric_limits<double>::epsilon() * size;
  const double weight = weights_.sum();
  return unit * Forces(r, tension).colwise().norm().sum() +
         unit * tension *
             std::min(unit * weight / std::sqrt(floor_), std::sqrt(weight));
}

Eigen::RowVectorXd ResidualNorm::Compliance(const Eigen::Matrix2Xd& r,
                                            double tension) const {
  return Eigen::RowVectorXd::Constant(weights_.size(), Rho(r))
      .cwiseQuotient(tension * weights_);
}

Eigen::Matrix2Xd ResidualNorm::HessianTimes(const Eigen::Matrix2Xd& r,
                                            double tension,
                                            const Eigen::Matrix2Xd& v) const {
  const double rho = Rho(r);
  const double along = Dot(r, v) / (rho * rho);
  return ((v.array() - r.array() * along).rowwise() /
          Compliance(r, tension).array())
      .matrix();
}

double ResidualNorm::OuterDivisor(const Eigen::Matrix2Xd& r,
                                  double tension) const {
  return tension * floor_ / Rho(r);
}

TensionChange LoweredTension(double max_gradient, const FitOptions& options) {
  const double excess = max_gradient / options.max_gradient;
  const double factor = solver::kTensionMargin / (excess * excess);
  if (factor <= solver::kLeastTensionFactor) {
    return {solver::kLeastTensionFactor, 0};
  }
  return {factor, -2 * factor / max_gradient};
}

double WeightedSquaredNorm(const Eigen::Matrix2Xd& r,
                           const Eigen::RowVectorXd& weights) {
  return r.colwise().squaredNorm().dot(weights);
}

double MaxGradient(const CellCoefficients& cells) {
  return std::sqrt(
      (cells.col(0).array().square() + cells.col(1).array().square() +
       cells.col(3).array().square() + cells.col(4).array().square())
          .maxCoeff());
}

}  // namespace cpab
