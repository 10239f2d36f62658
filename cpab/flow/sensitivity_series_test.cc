#include "cpab/flow/sensitivity_series.h"

#include <limits>

#include "Eigen/Core"
#include "cpab/flow/affine_flow.h"
#include "cpab/flow/pack.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

// Zero, nilpotent, real, equal and complex eigenvalues; small and large.
const double kCoefficients[][6] = {
    {0, 0, 0.3, 0, 0, -0.2},     {0, 1, 0.1, 0, 0, 0.2},
    {0.5, 0, 0, 0, -0.7, 0.1},   {0.4, 0, 0.1, 0, 0.4, 0.2},
    {0.1, -2, 0.3, 1.5, 0.2, 0}, {6, 1, -2, 0.5, -9, 3},
};

// X and Y are sums of a few terms of the size of 1, each rounded once or twice.
TEST(SensitivitySeriesTest, GivesWhatSensitivityAtGives) {
  constexpr double kTolerance = 16 * std::numeric_limits<double>::epsilon();
  for (const double* coefficients : kCoefficients) {
    const AffineFlow flow(coefficients);
    const SensitivitySeries series(flow);
    const Eigen::Vector2d x(0.3, 0.8);
    const Eigen::Vector2d v = flow.Velocity(x), a = flow.Linear(v);
    for (const double share : {0.0, 0.01, 0.5, 1.0}) {
      const double t = share * flow.max_duration();
      const AffineFlow::Sensitivity expected = flow.SensitivityAt(t, x);
      const SensitivitySeries::Integrals k = series.At(Pack(t));
      const MatrixFunction f = flow.Integral(t);
      for (int lane = 0; lane < Pack::kSize; ++lane) {
        const Eigen::Vector2d X =
            f.identity * x + k.K00[lane] * v + k.K01[lane] * a;
        const Eigen::Vector2d Y =
            f.matrix * x + k.K01[lane] * v + k.K11[lane] * a;
        const double scale = 1 + t * v.norm() + t * t * a.norm();
        EXPECT_LT((X - expected.X.head<2>()).norm(), kTolerance * scale);
        EXPECT_LT((Y - expected.Y.head<2>()).norm(), kTolerance * scale);
      }
    }
  }
}

}  // namespace
}  // namespace cpab
