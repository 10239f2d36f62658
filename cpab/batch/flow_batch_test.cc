#include "cpab/batch/flow_batch.h"

#include <memory>
#include <random>
#include <vector>

#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

std::vector<double> Draw(int64_t count, double magnitude, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, magnitude);
  std::vector<double> values(count);
  for (double& value : values) value = normal(generator);
  return values;
}

template <typename AnyFlow, typename AnyBasis>
std::vector<AnyFlow> DrawFlows(const std::shared_ptr<const AnyBasis>& basis,
                               int count) {
  std::vector<AnyFlow> flows;
  for (int b = 0; b < count; ++b) {
    const std::vector<double> theta = Draw(basis->theta_size(), 0.4, b + 1);
    flows.emplace_back(
        basis, Eigen::Map<const Eigen::VectorXd>(theta.data(), theta.size()));
  }
  return flows;
}

// A batch over components-first points against single points of the flow, and
// the adjoint against differences, for each number of dimensions.
template <int D, typename AnyFlow, typename AnyBasis>
void ExpectBatchOfSingles(const std::shared_ptr<const AnyBasis>& basis,
                          int batch, int64_t num_points) {
  const std::vector<AnyFlow> flows = DrawFlows<AnyFlow>(basis, batch);
  const std::vector<double> x = Draw(batch * D * num_points, 0.5, 7);
  std::vector<double> y(x.size()), threaded(x.size());
  const auto points = ComponentsFirst(x.data(), D, num_points);
  const auto values = ComponentsFirst(y.data(), D, num_points);
  TransformBatch<D>(flows, num_points, points, values);
  TransformBatch<D>(flows, num_points, points,
                    ComponentsFirst(threaded.data(), D, num_points),
                    OnThreads(3));
  EXPECT_EQ(y, threaded);
  for (int b = 0; b < batch; ++b) {
    for (int64_t n = 0; n < num_points; ++n) {
      PointColumns<D> point(D, 1);
      for (int a = 0; a < D; ++a) point(a, 0) = points.at(b, a, n);
      TransformInPlace(flows[b], &point);
      // Points in company take their arcs in packs: the same to rounding.
      for (int a = 0; a < D; ++a) {
        ASSERT_NEAR(values.at(b, a, n), point(a, 0), 1e-13);
      }
    }
  }
}

template <int D, typename AnyFlow, typename AnyBasis>
void ExpectPullbackOfSingles(const std::shared_ptr<const AnyBasis>& basis,
                             int batch, int64_t num_points) {
  const std::vector<AnyFlow> flows = DrawFlows<AnyFlow>(basis, batch);
  const std::vector<double> x = Draw(D * num_points, 0.5, 7);
  const std::vector<double> pull = Draw(batch * D * num_points, 1, 8);
  // All elements share the points.
  PointArray<const double> points = ComponentsFirst(x.data(), D, num_points);
  points.batch_stride = 0;
  const auto dl_dy = ComponentsFirst(pull.data(), D, num_points);
  for (const ParallelFor& loop : {ParallelFor(Serially), OnThreads(3)}) {
    std::vector<double> gradient(pull.size());
    RowMajorMatrix dl_dtheta(batch, basis->theta_size());
    PullbackBatch<D>(flows, num_points, points, dl_dy, dl_dtheta,
                     ComponentsFirst(gradient.data(), D, num_points), loop);
    for (int b = 0; b < batch; ++b) {
      const BatchGradient<D> alone =
          PullbackToTheta(flows[b], Gather<D>(points, b, 0, num_points),
                          Gather<D>(dl_dy, b, 0, num_points), Serially);
      EXPECT_EQ(dl_dtheta.row(b).transpose(), alone.theta);
      EXPECT_EQ(Gather<D>(ComponentsFirst(gradient.data(), D, num_points), b, 0,
                          num_points),
                alone.points);
    }
  }
}

TEST(FlowBatch, IsItsElementsInEachNumberOfDimensions) {
  for (const int batch : {1, 3, 7}) {
    for (const int64_t n : {0, 1, 1030}) {
      const auto interval = IntervalBasis::Create({6}).value();
      ExpectBatchOfSingles<1, IntervalFlow>(interval, batch, n);
      ExpectPullbackOfSingles<1, IntervalFlow>(interval, batch, n);
      const auto plane = Basis::Create({3, 2}).value();
      ExpectBatchOfSingles<2, Flow>(plane, batch, n);
      ExpectPullbackOfSingles<2, Flow>(plane, batch, n);
    }
    const auto volume = VolumeBasis::Create({1, 2, 1}).value();
    ExpectBatchOfSingles<3, VolumeFlow>(volume, batch, 40);
    ExpectPullbackOfSingles<3, VolumeFlow>(volume, batch, 40);
  }
}

TEST(FlowBatch, ReadsAndWritesAnyLayoutAndFloats) {
  const auto basis = Basis::Create({2, 2}).value();
  const std::vector<Flow> flows = DrawFlows<Flow>(basis, 2);
  constexpr int64_t kPoints = 5;
  // [N, B, 2] from the last to the first point.
  std::vector<float> x(2 * 2 * kPoints), y(x.size(), 0.f);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.05f * static_cast<float>(i);
  const int64_t last = 4 * (kPoints - 1);
  const PointArray<const float> points = {x.data() + last, 2, 1, -4};
  const PointArray<float> values = {y.data() + last, 2, 1, -4};
  TransformBatch<2>(flows, kPoints, points, values);
  for (int b = 0; b < 2; ++b) {
    for (int64_t n = 0; n < kPoints; ++n) {
      const Eigen::Vector2d at =
          flows[b](Eigen::Vector2d(x[4 * n + 2 * b], x[4 * n + 2 * b + 1]));
      EXPECT_FLOAT_EQ(y[4 * n + 2 * b], static_cast<float>(at.x()));
      EXPECT_FLOAT_EQ(y[4 * n + 2 * b + 1], static_cast<float>(at.y()));
    }
  }
}

}  // namespace
}  // namespace cpab
