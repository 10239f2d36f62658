// The kernels on the GPU at hand against the host's build of the same source.
// Where there is none, or no kernel in this build, the tests are skipped and
// say so.
//
// On the device multiplications are fused with additions, and square roots and
// arctangents of floats are rounded otherwise: results differ as those of
// different precisions do, by the bounds of flow_arrays_test.cc and
// fit_batch_test.cc.
#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "cpab/cuda/device.h"
#include "cpab/cuda/fit_batch.h"
#include "cpab/cuda/fit_kernels.h"
#include "cpab/cuda/flow_arrays.h"
#include "cpab/cuda/flow_kernels.h"
#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

template <typename Real>
std::vector<Real> Uniform(size_t count, double low, double high,
                          uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<Real> values(count);
  for (Real& value : values) value = static_cast<Real>(uniform(generator));
  return values;
}

// The largest difference, in units of the largest value and at least 1. NaN
// agrees with NaN only.
template <typename Real>
double Difference(const std::vector<Real>& a, const std::vector<Real>& b) {
  if (a.size() != b.size()) return HUGE_VAL;
  double difference = 0, size = 1;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i])) return HUGE_VAL;
    if (std::isnan(a[i])) continue;
    difference = std::max(difference, std::abs(double(a[i]) - double(b[i])));
    size = std::max(size, std::abs(double(b[i])));
  }
  return difference / size;
}

class OnDeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = WhyNoDevice();
    if (!reason.empty()) GTEST_SKIP() << "not run: " << reason;
  }
};

template <typename Real>
class FlowKernelsTest : public OnDeviceTest {
 protected:
  // A drift of a quarter of the square, so that paths cross tens of fine cells,
  // and the fields nearest to independent velocities at the vertices, with
  // gradients of up to 3.2.
  struct Case {
    Grid grid;
    int64_t batch, count;
    bool has_shared_points;
  };
  static constexpr double kTolerance = 90 * Precision<Real>::kEpsilon * 24 * 24;

  static std::vector<Real> DrawField(Grid grid, uint64_t seed) {
    const Eigen::Matrix2Xd velocities =
        (test_util::DrawPoints(grid.num_vertices(), -0.5, 0.5, seed) / grid.nx)
            .array() +
        0.25;
    const Eigen::Matrix<Real, 2, Eigen::Dynamic> nearest =
        test_util::NearestVelocities(grid.nx, grid.ny, velocities)
            .template cast<Real>();
    return {nearest.data(), nearest.data() + nearest.size()};
  }

  static void ExpectAsOnHost(const Case& c) {
    SCOPED_TRACE(std::to_string(c.grid.nx) + "x" + std::to_string(c.grid.ny) +
                 ", " + std::to_string(c.count) + " points");
    std::vector<Real> velocities;
    for (int64_t b = 0; b < c.batch; ++b) {
      const std::vector<Real> field = DrawField(c.grid, b + 10);
      velocities.insert(velocities.end(), field.begin(), field.end());
    }
    std::vector<Real> points = Uniform<Real>(
        2 * c.count * (c.has_shared_points ? 1 : c.batch), -0.2, 1.2, 2);
    if (points.size() > 3) points[3] = NotANumber<Real>();
    const std::vector<Real> dl_dy =
        Uniform<Real>(2 * c.count * c.batch, -1, 1, 3);

    const FlowBatch<Real> on_host = {c.grid,        c.batch,
                                     c.count,       velocities.data(),
                                     points.data(), c.has_shared_points};
    std::vector<Real> y(dl_dy.size()), dl_dpoints(dl_dy.size());
    std::vector<double> dl_dvelocities(velocities.size());
    TransformOnHost(on_host, y.data());
    PullbackOnHost(on_host, dl_dy.data(), dl_dpoints.data(),
                   dl_dvelocities.data());

    DeviceArray<Real> device_velocities(velocities), device_points(points),
        device_dl_dy(dl_dy), device_y(y.size()), device_dl_dpoints(y.size());
    DeviceArray<double> device_dl_dvelocities(velocities.size());
    FlowBatch<Real> on_device = on_host;
    on_device.velocities = device_velocities.data();
    on_device.points = device_points.data();
    ASSERT_EQ(LaunchTransform(on_device, device_y.data(), nullptr), nullptr);
    ASSERT_EQ(
        LaunchPullback(on_device, device_dl_dy.data(), device_dl_dpoints.data(),
                       device_dl_dvelocities.data(), nullptr),
        nullptr);
    ASSERT_EQ(FinishWork(), "");
    EXPECT_LT(Difference(device_y.Values(), y), kTolerance);
    EXPECT_LT(Difference(device_dl_dpoints.Values(), dl_dpoints), kTolerance);
    EXPECT_LT(Difference(device_dl_dvelocities.Values(), dl_dvelocities),
              kTolerance);
  }
};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FlowKernelsTest, Reals);

// With vertices in shared memory and beyond it (64x64), blocks that are full
// and that are not, more fields than points and none.
TYPED_TEST(FlowKernelsTest, AgreeWithTheHost) {
  for (const auto& c :
       std::vector<typename TestFixture::Case>{{{4, 4}, 3, 1000, false},
                                               {{4, 4}, 3, 1000, true},
                                               {{1, 1}, 300, 1, false},
                                               {{3, 5}, 1, 256, false},
                                               {{32, 32}, 2, 3000, false},
                                               {{64, 64}, 2, 3000, true},
                                               {{4, 4}, 2, 0, false}}) {
    TestFixture::ExpectAsOnHost(c);
  }
}

// A block adds to what it has cleared, whatever was there.
TYPED_TEST(FlowKernelsTest, PullbackOverwritesItsResult) {
  using Real = TypeParam;
  const Grid grid = {4, 4};
  const size_t size = 2 * grid.num_vertices();
  DeviceArray<Real> velocities(std::vector<Real>(size, Real(0))),
      points(std::vector<Real>{Real(0.1), Real(0.6)}), dl_dpoints(2);
  DeviceArray<double> dl_dvelocities(std::vector<double>(size, 1e10));
  const FlowBatch<Real> flows = {grid,          1,    1, velocities.data(),
                                 points.data(), false};
  ASSERT_EQ(LaunchPullback(flows, points.data(), dl_dpoints.data(),
                           dl_dvelocities.data(), nullptr),
            nullptr);
  ASSERT_EQ(FinishWork(), "");
  // A point that rests shares its cotangent among the vertices of its cell.
  double sum = 0;
  for (const double share : dl_dvelocities.Values()) sum += share;
  EXPECT_NEAR(sum, 0.7, 1e-6);
}

// Problems of the model's two kinds: 5 pairs on 4x4 cells, 50 on 6x6.
class FitCase {
 public:
  static constexpr int64_t kBatch = 40;

  explicit FitCase(int cells) : count_(cells == 4 ? 5 : 50) {
    const auto basis = Basis::Create({cells, cells}).value();
    const auto prior = Prior::Create(basis, {}).value();
    const RowMajorMatrix& w = basis->vertex_basis();
    covariance_ = w * prior->covariance() * w.transpose();
    grid_ = {cells, cells};
    from_ = Uniform<double>(2 * count_ * kBatch, 0.1, 0.9, 1);
    to_ = from_;
    const std::vector<double> noise =
        Uniform<double>(to_.size(), -0.02, 0.02, 2);
    for (size_t i = 0; i < to_.size(); ++i) {
      to_[i] += noise[i] + 0.05 * std::sin(4 * from_[i ^ 1]);
    }
    to_[7] = std::nan("");
    weights_.assign(count_ * kBatch, 1.0);
    weights_[2 * count_] = 0;
  }

  // Of each problem. Forces are determined by theta up to the condition of
  // their covariance: the velocities that they make are compared, [vertices,
  // 2].
  struct Results {
    std::vector<int64_t> iterations;
    std::vector<double> residual, cost;
    std::vector<std::vector<double>> velocities;
  };

  Results OnHost() const {
    std::vector<double> force(covariance_.rows() * kBatch);
    std::vector<double> numbers(4 * kBatch);
    std::vector<int64_t> iterations(kBatch);
    const std::unique_ptr<bool[]> converged(new bool[kBatch]);
    FitOnHost(
        Problems(covariance_.data(), from_.data(), to_.data(), weights_.data()),
        ResultsAt(force.data(), numbers.data(), iterations.data(),
                  converged.get()));
    return ResultsOf(force, numbers, iterations);
  }

  // dL/dfrom, then dL/dto, of gradients that are all ones.
  std::vector<double> PullbackOnHost() const {
    std::vector<double> force(covariance_.rows() * kBatch), numbers(4 * kBatch);
    std::vector<int64_t> iterations(kBatch);
    const std::unique_ptr<bool[]> flags(new bool[kBatch]);
    const FitBatch problems =
        Problems(covariance_.data(), from_.data(), to_.data(), weights_.data());
    FitOnHost(problems, ResultsAt(force.data(), numbers.data(),
                                  iterations.data(), flags.get()));
    const std::vector<double> gradient(force.size(), 1);
    std::vector<double> results(2 * from_.size());
    PullbackFitOnHost(
        problems, {force.data(), numbers.data() + 2 * kBatch, gradient.data(),
                   results.data(), results.data() + from_.size(), flags.get()});
    return results;
  }

  // The same by kernels, the one after the other without a wait.
  std::vector<double> PullbackOnDevice() const {
    DeviceArray<double> covariance(std::vector<double>(
        covariance_.data(), covariance_.data() + covariance_.size()));
    DeviceArray<double> from(from_), to(to_), weights(weights_);
    DeviceArray<double> force(covariance_.rows() * kBatch), numbers(4 * kBatch);
    DeviceArray<int64_t> iterations(kBatch);
    DeviceArray<bool> flags(kBatch);
    const FitBatch problems =
        Problems(covariance.data(), from.data(), to.data(), weights.data());
    const PullbackMemory memory(grid_, count_);
    DeviceArray<double> doubles(memory.num_doubles() * kBatch);
    DeviceArray<int> ints(memory.num_ints() * kBatch);
    EXPECT_EQ(LaunchFit(problems,
                        ResultsAt(force.data(), numbers.data(),
                                  iterations.data(), flags.data()),
                        doubles.data(), ints.data(), nullptr),
              nullptr);
    DeviceArray<double> gradient(
        std::vector<double>(covariance_.rows() * kBatch, 1));
    DeviceArray<double> results(2 * from_.size());
    EXPECT_EQ(LaunchFitPullback(
                  problems,
                  {force.data(), numbers.data() + 2 * kBatch, gradient.data(),
                   results.data(), results.data() + from_.size(), flags.data()},
                  doubles.data(), ints.data(), nullptr),
              nullptr);
    EXPECT_EQ(FinishWork(), "");
    return results.Values();
  }

  int64_t values_of_problem() const { return 2 * count_; }

  Results OnDevice() const {
    DeviceArray<double> covariance(std::vector<double>(
        covariance_.data(), covariance_.data() + covariance_.size()));
    DeviceArray<double> from(from_), to(to_), weights(weights_);
    DeviceArray<double> force(covariance_.rows() * kBatch), numbers(4 * kBatch);
    DeviceArray<int64_t> iterations(kBatch);
    DeviceArray<bool> converged(kBatch);
    const FitMemory memory(grid_, count_);
    DeviceArray<double> doubles(memory.num_doubles() * kBatch);
    DeviceArray<int> ints(memory.num_ints() * kBatch);
    const LaunchError error = LaunchFit(
        Problems(covariance.data(), from.data(), to.data(), weights.data()),
        ResultsAt(force.data(), numbers.data(), iterations.data(),
                  converged.data()),
        doubles.data(), ints.data(), nullptr);
    EXPECT_EQ(error, nullptr);
    EXPECT_EQ(FinishWork(), "");
    return ResultsOf(force.Values(), numbers.Values(), iterations.Values());
  }

 private:
  FitBatch Problems(const double* covariance, const double* from,
                    const double* to, const double* weights) const {
    return {{grid_, covariance},
            {8, 2e-4, 1e-3, 1, 5, 30},
            kBatch,
            count_,
            from,
            to,
            weights};
  }
  static FitResults ResultsAt(double* force, double* numbers,
                              int64_t* iterations, bool* converged) {
    return {force,
            numbers,
            numbers + kBatch,
            numbers + 2 * kBatch,
            numbers + 3 * kBatch,
            iterations,
            converged};
  }
  Results ResultsOf(const std::vector<double>& force,
                    const std::vector<double>& numbers,
                    const std::vector<int64_t>& iterations) const {
    Results results;
    results.iterations = iterations;
    results.residual.assign(numbers.begin(), numbers.begin() + kBatch);
    results.cost.assign(numbers.begin() + kBatch, numbers.begin() + 2 * kBatch);
    const auto size = covariance_.rows();
    for (int64_t b = 0; b < kBatch; ++b) {
      const Eigen::VectorXd u =
          covariance_ *
          Eigen::Map<const Eigen::VectorXd>(force.data() + b * size, size);
      results.velocities.emplace_back(u.begin(), u.end());
    }
    return results;
  }

  int count_;
  Grid grid_;
  RowMajorMatrix covariance_;
  std::vector<double> from_, to_, weights_;
};

class FitKernelsTest : public OnDeviceTest {};

// A test of convergence falls out the other way where two costs agree to
// rounding: in one problem of twenty at most.
TEST_F(FitKernelsTest, AgreeWithTheHost) {
  for (const int cells : {4, 6}) {
    SCOPED_TRACE(cells);
    const FitCase problems(cells);
    const FitCase::Results expected = problems.OnHost();
    const FitCase::Results results = problems.OnDevice();
    int others = 0;
    for (int64_t b = 0; b < FitCase::kBatch; ++b) {
      if (results.iterations[b] != expected.iterations[b]) {
        ++others;
        continue;
      }
      SCOPED_TRACE(b);
      using One = std::vector<double>;
      EXPECT_LT(Difference(One{results.residual[b]}, One{expected.residual[b]}),
                1e-9);
      EXPECT_LT(Difference(One{results.cost[b]}, One{expected.cost[b]}), 1e-8);
      EXPECT_LT(Difference(results.velocities[b], expected.velocities[b]),
                1e-9);
    }
    EXPECT_LE(others, FitCase::kBatch / 20);
    EXPECT_TRUE(std::isnan(results.residual[0]));
  }
}

// See kPullbackTolerance in fit_batch_test.cc; where no minimum is nearby,
// Newton's steps end at different places: in one problem of ten at most.
TEST_F(FitKernelsTest, PullBackAsTheHostDoes) {
  for (const int cells : {4, 6}) {
    SCOPED_TRACE(cells);
    const FitCase problems(cells);
    const std::vector<double> expected = problems.PullbackOnHost();
    const std::vector<double> results = problems.PullbackOnDevice();
    const int64_t size = problems.values_of_problem();
    int others = 0;
    for (int64_t b = 0; b < 2 * FitCase::kBatch; ++b) {
      const std::vector<double> one(expected.begin() + b * size,
                                    expected.begin() + (b + 1) * size);
      const std::vector<double> result(results.begin() + b * size,
                                       results.begin() + (b + 1) * size);
      double largest = 0;
      for (const double x : one) largest = std::max(largest, std::abs(x));
      others += !(Difference(result, one) <= 1e-6 * largest);
    }
    EXPECT_LE(others, 2 + 2 * FitCase::kBatch / 10);
  }
}

}  // namespace
}  // namespace cpab::kernels
