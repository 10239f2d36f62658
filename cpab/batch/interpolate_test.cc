#include "cpab/batch/interpolate.h"

#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/parallel.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

std::vector<double> Draw(int64_t count, double low, double high, int seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> values(count);
  for (double& value : values) value = uniform(generator);
  return values;
}

// [B, C, *size] in row-major order: the last axis runs fastest.
template <typename Scalar>
SampleArray<Scalar> RowMajor(Scalar* data, const InterpolationShape& shape) {
  SampleArray<Scalar> array;
  array.data = data;
  int64_t stride = 1;
  for (int a = shape.dimensions - 1; a >= 0; --a) {
    array.axis_strides[a] = stride;
    stride *= shape.size[a];
  }
  array.channel_stride = stride;
  array.batch_stride = stride * shape.channels;
  return array;
}

int64_t NumSamples(const InterpolationShape& shape) {
  int64_t count = shape.batch * shape.channels;
  for (int a = 0; a < shape.dimensions; ++a) count *= shape.size[a];
  return count;
}

InterpolationShape ShapeOf(int dimensions) {
  InterpolationShape shape;
  shape.dimensions = dimensions;
  shape.batch = 2;
  shape.channels = 3;
  shape.size = {5, 4, 3};
  shape.num_points = 50;
  return shape;
}

std::vector<double> ValuesAt(const InterpolationShape& shape,
                             const std::vector<double>& data,
                             const std::vector<double>& points) {
  std::vector<double> values(shape.batch * shape.channels * shape.num_points);
  Interpolate<double>(
      shape, RowMajor(data.data(), shape),
      ComponentsFirst(points.data(), shape.dimensions, shape.num_points),
      ComponentsFirst(values.data(), shape.channels, shape.num_points),
      OnThreads(2));
  return values;
}

// Linear functions are interpolated exactly.
TEST(Interpolate, ReproducesLinearFunctions) {
  for (const int dimensions : {1, 2, 3}) {
    const InterpolationShape shape = ShapeOf(dimensions);
    std::vector<double> data(NumSamples(shape));
    const auto array = RowMajor(data.data(), shape);
    for (int64_t i = 0; i < NumSamples(shape); ++i) {
      double value = 0.3;
      for (int a = 0; a < dimensions; ++a) {
        const int64_t index = i / array.axis_strides[a] % shape.size[a];
        value += (a + 1) * static_cast<double>(index) / (shape.size[a] - 1.0);
      }
      data[i] = value;
    }
    const std::vector<double> points =
        Draw(shape.batch * dimensions * shape.num_points, 0, 1, 1);
    const auto at = ComponentsFirst(points.data(), dimensions, 50);
    const std::vector<double> values = ValuesAt(shape, data, points);
    for (int b = 0; b < 2; ++b) {
      for (int64_t n = 0; n < 50; ++n) {
        double expected = 0.3;
        for (int a = 0; a < dimensions; ++a)
          expected += (a + 1) * at.at(b, a, n);
        for (int c = 0; c < 3; ++c) {
          EXPECT_NEAR(values[(b * 3 + c) * 50 + n], expected, 1e-14);
        }
      }
    }
  }
}

InterpolationShape OneSeries(int64_t length, int64_t num_points,
                             Beyond beyond = Beyond::kNearest) {
  InterpolationShape shape;
  shape.batch = shape.channels = 1;
  shape.size[0] = length;
  shape.num_points = num_points;
  shape.beyond = beyond;
  return shape;
}

TEST(Interpolate, IsTheNearestSampleOrZeroBeyondTheBorder) {
  const std::vector<double> data = {2, 3, 5};
  const std::vector<double> points = {-1e300, -0.25, 0, 0.25, 1, 1.25, 1e300};
  EXPECT_EQ(ValuesAt(OneSeries(3, 7), data, points),
            (std::vector<double>{2, 2, 2, 2.5, 5, 5, 5}));
  EXPECT_EQ(ValuesAt(OneSeries(3, 7, Beyond::kZero), data, points),
            (std::vector<double>{0, 1, 2, 2.5, 5, 2.5, 0}));
  // One sample.
  EXPECT_EQ(ValuesAt(OneSeries(1, 3), {4}, {-1, 0.5, 2}),
            (std::vector<double>{4, 4, 4}));
}

// 3, 5, 7 at 0, 1/2, 1, and zeros at -1/2 and 3/2.
TEST(Interpolate, FadesToZeroOverOneSampleBeyondTheBorder) {
  const InterpolationShape shape = OneSeries(3, 3, Beyond::kZero);
  const std::vector<double> data = {3, 5, 7}, points = {-0.25, 1.25, 1.75};
  EXPECT_EQ(ValuesAt(shape, data, points), (std::vector<double>{1.5, 3.5, 0}));
  const std::vector<double> ones(3, 1.0);
  std::vector<double> dl_ddata(3), dl_dpoints(3);
  InterpolatePullback<double>(
      shape, RowMajor(data.data(), shape), ComponentsFirst(points.data(), 1, 3),
      ComponentsFirst(ones.data(), 1, 3), RowMajor(dl_ddata.data(), shape),
      ComponentsFirst(dl_dpoints.data(), 1, 3));
  EXPECT_EQ(dl_dpoints, (std::vector<double>{6, -14, 0}));
  EXPECT_EQ(ValuesAt(OneSeries(1, 2, Beyond::kZero), {3}, {-5, 5}),
            (std::vector<double>{3, 3}));
}

TEST(Interpolate, IsNanAtPointsThatAreNotFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double x : {kInfinity, -kInfinity, std::nan("")}) {
    for (const Beyond beyond : {Beyond::kNearest, Beyond::kZero}) {
      EXPECT_TRUE(
          std::isnan(ValuesAt(OneSeries(3, 1, beyond), {1, 2, 3}, {x})[0]));
    }
  }
}

TEST(Interpolate, TakesSeriesOfDifferentLengths) {
  InterpolationShape shape = OneSeries(4, 1);
  shape.batch = 2;
  const int64_t lengths[] = {2, 4};
  shape.lengths = lengths;
  const double nan = std::nan("");
  const std::vector<double> values =
      ValuesAt(shape, {1, 3, nan, nan, 1, 2, 3, 4}, {0.5, 0.5});
  EXPECT_EQ(values, (std::vector<double>{2, 2.5}));
}

// Against central differences; points keep clear of samples, where the slope
// jumps.
TEST(Interpolate, PullbackIsTheGradient) {
  constexpr double h = 1e-6;
  for (const Beyond beyond : {Beyond::kNearest, Beyond::kZero}) {
    for (const int dimensions : {1, 2, 3}) {
      InterpolationShape shape = ShapeOf(dimensions);
      shape.beyond = beyond;
      const auto data = Draw(NumSamples(shape), -1, 1, 2);
      const auto points = Draw(2 * dimensions * 50, -0.2, 1.2, 3);
      const auto pull = Draw(2 * 3 * 50, -1, 1, 4);
      std::vector<double> dl_ddata(data.size()), dl_dpoints(points.size());
      InterpolatePullback<double>(
          shape, RowMajor(data.data(), shape),
          ComponentsFirst(points.data(), dimensions, 50),
          ComponentsFirst(pull.data(), 3, 50), RowMajor(dl_ddata.data(), shape),
          ComponentsFirst(dl_dpoints.data(), dimensions, 50), OnThreads(2));
      const auto loss = [&](const std::vector<double>& d,
                            const std::vector<double>& x) {
        const std::vector<double> values = ValuesAt(shape, d, x);
        return Eigen::Map<const Eigen::VectorXd>(values.data(), values.size())
            .dot(Eigen::Map<const Eigen::VectorXd>(pull.data(), pull.size()));
      };
      for (size_t i = 0; i < data.size(); i += 7) {
        auto ahead = data, behind = data;
        ahead[i] += h, behind[i] -= h;
        EXPECT_NEAR(dl_ddata[i],
                    (loss(ahead, points) - loss(behind, points)) / (2 * h),
                    1e-8);
      }
      for (size_t i = 0; i < points.size(); i += 7) {
        auto ahead = points, behind = points;
        ahead[i] += h, behind[i] -= h;
        EXPECT_NEAR(dl_dpoints[i],
                    (loss(data, ahead) - loss(data, behind)) / (2 * h), 1e-8);
      }
    }
  }
}

// Beyond the end, on the last sample of another axis, and beside a NaN that the
// loss leaves out.
TEST(Interpolate, PullbackLeavesOutWhatHasNoShare) {
  const double nan = std::nan("");
  for (const Beyond beyond : {Beyond::kNearest, Beyond::kZero}) {
    InterpolationShape shape = OneSeries(4, 1, beyond);
    shape.dimensions = 2;
    shape.size = {4, 2, 1};
    for (const auto& [pull, point] :
         {std::pair(1.0, std::vector<double>{1.4, 0.5}),
          std::pair(1.0, std::vector<double>{0.5, 1}),
          std::pair(0.0, std::vector<double>{0.1, 0.5})}) {
      const std::vector<double> data = {nan, 1, nan, 2, nan, 3, 4, 5};
      std::vector<double> dl_ddata(8), dl_dpoint(2);
      InterpolatePullback<double>(shape, RowMajor(data.data(), shape),
                                  ComponentsFirst(point.data(), 2, 1),
                                  ComponentsFirst(&pull, 1, 1),
                                  RowMajor(dl_ddata.data(), shape),
                                  ComponentsFirst(dl_dpoint.data(), 2, 1));
      EXPECT_TRUE(std::isfinite(dl_dpoint[0]));
    }
  }
}

}  // namespace
}  // namespace cpab
