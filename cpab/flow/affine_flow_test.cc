#include "cpab/flow/affine_flow.h"

#include <algorithm>
#include <array>
#include <string>

#include "Eigen/Core"
#include "gtest/gtest.h"
#include "unsupported/Eigen/MatrixFunctions"

namespace cpab {
namespace {

struct Case {
  std::string name;
  std::array<double, 6> coefficients;
};

class AffineFlowTest : public ::testing::TestWithParam<Case> {
 protected:
  // The affine map as a 3x3 matrix in homogeneous coordinates: the oracle is
  // Eigen's matrix exponential.
  Eigen::Matrix3d Homogeneous() const {
    Eigen::Matrix3d A = Eigen::Matrix3d::Zero();
    A.topRows<2>() =
        Eigen::Map<const Eigen::Matrix<double, 2, 3, Eigen::RowMajor>>(
            GetParam().coefficients.data());
    return A;
  }
  const AffineFlow flow_{GetParam().coefficients.data()};
  const double t_ = std::min(flow_.max_duration(), 2.0);
  const Eigen::Vector2d start_{0.3, 0.8};
};

// Eigenvalues of every kind.
INSTANTIATE_TEST_SUITE_P(
    Eigenvalues, AffineFlowTest,
    ::testing::Values(Case{"Zero", {0, 0, 0, 0, 0, 0}},
                      Case{"Translation", {0, 0, 0.7, 0, 0, -0.4}},
                      Case{"RealDistinct", {1.5, 0.3, 0.1, 0.2, -0.8, 0.5}},
                      Case{"Repeated", {0.9, 0, 0.2, 0, 0.9, -0.3}},
                      Case{"Defective", {0.9, 1, 0.2, 0, 0.9, -0.3}},
                      Case{"Shear", {0, 2, 0.1, 0, 0, 0.3}},
                      Case{"NearlyRepeated", {0.9, 1, 0.2, 1e-13, 0.9, -0.3}},
                      Case{"OneZero", {0.5, 1, 0.2, 0.5, 1, -0.3}},
                      Case{"OneNearlyZero",
                           {0.5, 1, 0.2, 0.5, 1 + 1e-12, -0.3}},
                      Case{"Rotation", {0, -1.3, 0.6, 1.3, 0, -0.6}},
                      Case{"Spiral", {0.4, -1.3, 0.6, 1.3, 0.4, -0.6}},
                      Case{"Tiny", {1e-13, 2e-13, 1e-13, -3e-13, 1e-14, 2e-13}},
                      Case{"Violent", {40, -70, 25, 60, -35, -12}}),
    [](const auto& info) { return info.param.name; });

// Twenty terms and their coefficients: a few units in the last place.
constexpr double kRounding = 1e-14;

TEST_P(AffineFlowTest, IsTheMatrixExponential) {
  const Eigen::Matrix3d expected = (t_ * Homogeneous()).exp();
  const MatrixFunction f = flow_.Integral(t_);
  const MatrixFunction e = flow_.Exponential(f);
  const Eigen::Vector2d v = flow_.Velocity(start_);
  const Eigen::Vector2d end =
      start_ + f.identity * v + f.matrix * flow_.Linear(v);
  const Eigen::Vector2d expected_end =
      (expected * start_.homogeneous()).head<2>();
  const double scale = 1 + expected.cwiseAbs().maxCoeff();
  EXPECT_LT((end - expected_end).norm(), kRounding * scale);
  const Eigen::Matrix2d exponential =
      e.identity * Eigen::Matrix2d::Identity() +
      e.matrix * Homogeneous().topLeftCorner<2, 2>();
  EXPECT_LT((exponential - expected.topLeftCorner<2, 2>()).norm(),
            kRounding * scale);
}

TEST_P(AffineFlowTest, StaysItselfOverShorterTimes) {
  for (const double part : {0.0, 1e-9, 0.01, 0.5}) {
    const Eigen::Matrix3d expected = (part * t_ * Homogeneous()).exp();
    const MatrixFunction f = flow_.Integral(part * t_);
    const Eigen::Vector2d v = flow_.Velocity(start_);
    const Eigen::Vector2d moved = f.identity * v + f.matrix * flow_.Linear(v);
    const Eigen::Vector2d expected_moved =
        (expected * start_.homogeneous()).head<2>() - start_;
    EXPECT_LT((moved - expected_moved).norm(),
              kRounding * (1 + expected.cwiseAbs().maxCoeff()));
  }
}

// Van Loan: the derivative of exp(tA) along dA is the upper right block of the
// exponential of t [[A, dA], [0, A]].
TEST_P(AffineFlowTest, SensitivityIsTheDerivativeOfTheExponential) {
  const AffineFlow::Sensitivity s = flow_.SensitivityAt(t_, start_);
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 3; ++column) {
      Eigen::Matrix<double, 6, 6> block = Eigen::Matrix<double, 6, 6>::Zero();
      block.topLeftCorner<3, 3>() = Homogeneous();
      block.bottomRightCorner<3, 3>() = Homogeneous();
      block(row, 3 + column) = 1;
      const Eigen::Matrix<double, 6, 6> exponential = (t_ * block).exp();
      const Eigen::Vector2d expected =
          (exponential.topRightCorner<3, 3>() * start_.homogeneous()).head<2>();
      const Eigen::Vector2d unit = Eigen::Vector2d::Unit(row);
      const Eigen::Vector2d actual =
          s.X[column] * unit + s.Y[column] * flow_.Linear(unit);
      EXPECT_LT((actual - expected).norm(),
                kRounding * (1 + exponential.cwiseAbs().maxCoeff()));
    }
  }
}

TEST_P(AffineFlowTest, TransposedIsTheAdjointOfLinear) {
  const Eigen::Vector2d u(0.3, -0.7), v(1.1, 0.2);
  EXPECT_DOUBLE_EQ(u.dot(flow_.Linear(v)), v.dot(flow_.Transposed(u)));
}

}  // namespace
}  // namespace cpab
