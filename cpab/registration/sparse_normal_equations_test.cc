#include "cpab/registration/sparse_normal_equations.h"

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "Eigen/LU"
#include "cpab/batch/basis_prior.h"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

struct TestSlope {
  Eigen::Index unknown;
  Eigen::RowVector2d value;
};

// Values that depend at random on three vertices each, in two parts, of two
// stages.
class SparseNormalEquationsTest : public ::testing::Test {
 protected:
  SparseNormalEquationsTest() {
    std::srand(1);
    theta_ = Eigen::VectorXd::Random(2 * basis_->theta_size());
    const Eigen::Index unknowns = 2 * basis_->sparse_vertex_basis()->rows();
    for (const Eigen::Index count : {40, 25}) {
      ValueSlopes part;
      part.rows.resize(count, unknowns);
      part.gradient = Eigen::VectorXd::Random(count);
      part.curvature = Eigen::VectorXd::Random(count).cwiseAbs();
      for (Eigen::Index n = 0; n < count; ++n) {
        std::vector<TestSlope> slopes;
        for (const Eigen::Index vertex : {7 * n + 3, 5 * n, 3 * n + 11}) {
          const Eigen::Index unknown = 2 * (vertex % (unknowns / 2));
          bool is_new = true;
          for (const TestSlope& slope : slopes) {
            is_new = is_new && slope.unknown != unknown;
          }
          if (is_new) slopes.push_back({unknown, Eigen::RowVector2d::Random()});
        }
        AppendRow(n, std::move(slopes), &part.rows);
      }
      part.rows.finalize();
      parts_.push_back(std::move(part));
    }
  }

  SparseNormalEquations Equations() const {
    return {prior_.sparse, 2, kWeight, parts_, theta_, Serially};
  }

  // W in both stages, and P.
  Eigen::MatrixXd VertexBasis() const {
    const Eigen::Index d = basis_->theta_size();
    const Eigen::Index u = basis_->sparse_vertex_basis()->rows();
    Eigen::MatrixXd W = Eigen::MatrixXd::Zero(2 * u, 2 * d);
    for (Eigen::Index k = 0; k < d; ++k) {
      W.block(0, k, u, 1) = W.block(u, d + k, u, 1) =
          basis_->sparse_vertex_basis()->Times(Eigen::VectorXd::Unit(d, k));
    }
    return W;
  }
  Eigen::MatrixXd Precision() const {
    const Eigen::Index d = basis_->theta_size();
    Eigen::MatrixXd P = Eigen::MatrixXd::Zero(2 * d, 2 * d);
    for (Eigen::Index k = 0; k < d; ++k) {
      P.block(0, k, d, 1) = P.block(d, d + k, d, 1) =
          prior_.sparse->PrecisionTimes(Eigen::VectorXd::Unit(d, k)) / 2;
    }
    return P;
  }

  static constexpr double kWeight = 30;
  const std::shared_ptr<const Basis> basis_ =
      Basis::Create({4, 3, true, false, true}).value();
  const BasisPrior prior_ = BasisPriorOf(*basis_, {}).value();
  Eigen::VectorXd theta_;
  std::vector<ValueSlopes> parts_;
};

TEST_F(SparseNormalEquationsTest, AreThoseOfDenseMatrices) {
  const Eigen::MatrixXd W = VertexBasis(), P = Precision();
  Eigen::VectorXd gradient = P * theta_;
  Eigen::MatrixXd hessian = P;
  for (const ValueSlopes& part : parts_) {
    const Eigen::MatrixXd J = Eigen::MatrixXd(part.rows) * W;
    gradient += kWeight * J.transpose() * part.gradient;
    hessian += kWeight * J.transpose() * part.curvature.asDiagonal() * J;
  }
  const SparseNormalEquations equations = Equations();
  EXPECT_LT((equations.gradient() - gradient).norm(), 1e-10 * gradient.norm());
  const Eigen::VectorXd x = equations.Solve(0);
  EXPECT_LT((hessian * x - gradient).norm(), 1e-9 * gradient.norm());
  // Damped steps are shorter, and go down.
  double length = x.norm();
  for (const double damping : {0.3, 3.0, 1e4}) {
    const Eigen::VectorXd step = equations.Solve(damping);
    EXPECT_LT(step.norm(), length) << damping;
    EXPECT_GT(step.dot(gradient), 0) << damping;
    length = step.norm();
  }
}

// The same step whoever computes the parts.
TEST_F(SparseNormalEquationsTest, DoNotDependOnTheOrderOfTheThreads) {
  const ParallelFor backwards = [](int64_t count,
                                   const std::function<void(int64_t)>& body) {
    for (int64_t i = count; i-- > 0;) body(i);
  };
  const SparseNormalEquations other(prior_.sparse, 2, kWeight, parts_, theta_,
                                    backwards);
  EXPECT_EQ(Equations().Solve(0.1), other.Solve(0.1));
}

}  // namespace
}  // namespace cpab
