#include "cpab/image/image_objective.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "cpab/registration/sparse_normal_equations.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"

namespace cpab {
namespace {

// Smooth at the scale of pixels.
ReducedImage Waves(int rows, int cols, double phase) {
  cv::Mat image(rows, cols, CV_32F);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) {
      const double x = j / (cols - 1.0), y = i / (rows - 1.0);
      image.at<float>(i, j) =
          static_cast<float>(0.5 + 0.3 * std::sin(4 * x + 3 * y + phase) +
                             0.2 * std::cos(5 * y - 2 * x + phase));
    }
  }
  return {image, image.size()};
}

// Whether the basis is sparse, and the number of stages.
class ImageObjectiveTest
    : public ::testing::TestWithParam<std::pair<bool, int>> {
 protected:
  Eigen::VectorXd Draw(double magnitude, uint64_t seed) const {
    const int d = basis_->theta_size();
    Eigen::VectorXd theta(d * GetParam().second);
    for (int i = 0; i < GetParam().second; ++i) {
      theta.segment(i * d, d) =
          test_util::DrawTheta(*basis_, magnitude, 10 * seed + i);
    }
    return theta;
  }

  const std::shared_ptr<const Basis> basis_ =
      Basis::Create({3, 2, false, false, GetParam().first}).value();
  const ImageObjective objective_{Waves(20, 24, 0),
                                  Waves(22, 18, 0.2),
                                  basis_,
                                  BasisPriorOf(*basis_, {}).value(),
                                  GetParam().second,
                                  0.1};
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, ImageObjectiveTest,
    ::testing::Values(std::pair(false, 1), std::pair(false, 3),
                      std::pair(true, 1), std::pair(true, 3)),
    [](const auto& info) {
      return std::string(info.param.first ? "Sparse" : "Dense") +
             std::to_string(info.param.second);
    });

// The interpolated image has kinks at the pixels: an error of order h.
TEST_P(ImageObjectiveTest, GradientIsThatOfDifferences) {
  const Eigen::VectorXd theta = Draw(0.05, 1), direction = Draw(1, 2);
  Eigen::VectorXd gradient;
  const auto equations = objective_.Linearise(theta);
  if (GetParam().first) {
    gradient =
        dynamic_cast<const SparseNormalEquations&>(*equations).gradient();
  } else {
    Eigen::MatrixXd hessian;
    objective_.Differentiate(theta, &gradient, &hessian);
    EXPECT_LT((hessian - hessian.transpose()).norm(), 1e-12 * hessian.norm());
    EXPECT_GT(direction.dot(hessian * direction), 0);
  }
  const double h = 1e-6;
  const double slope = (objective_.Value(theta + h * direction) -
                        objective_.Value(theta - h * direction)) /
                       (2 * h);
  EXPECT_NEAR(gradient.dot(direction), slope, 1e-3 * gradient.norm());
}

TEST_P(ImageObjectiveTest, StepsGoDown) {
  const Eigen::VectorXd theta = Draw(0.05, 1);
  const Eigen::VectorXd step = objective_.Linearise(theta)->Solve(1e-3);
  EXPECT_LT(objective_.Value(theta - step), objective_.Value(theta));
  EXPECT_LT(objective_.RootMeanSquare(theta - step),
            objective_.RootMeanSquare(theta));
}

}  // namespace
}  // namespace cpab
