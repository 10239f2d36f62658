// Time of the flow, its adjoint and the fit: on the GPU, if there is one, by
// the host's build of the same source, and by the library's own code for the
// processor (cpab/flow, cpab/fit), one thread each.
//
//   tools/bazelw run --config=cuda //cpab/cuda:kernels_benchmark
//
// The setting is that of FG-CPAB's figures: 125,000 points, 16 fields. A field
// is the nearest one to a sum of eight waves with amplitudes of up to 0.05, the
// same at any number of cells, so that finer cells mean longer paths and not
// rougher fields.
// ns_per_point is the figure to read; a point counts once for each field.
// Adjoints include the walk forwards. A dense basis of 32x32 cells takes
// seconds, of 64x64 minutes, so that the library's flow goes up to 16x16.
#include <cmath>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "cpab/cuda/device.h"
#include "cpab/cuda/fit_batch.h"
#include "cpab/cuda/fit_kernels.h"
#include "cpab/cuda/flow_arrays.h"
#include "cpab/cuda/flow_kernels.h"
#include "cpab/cuda/grid.h"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/fit/fit.h"
#include "cpab/flow/flow.h"
#include "cpab/testing/draws.h"

namespace cpab::kernels {
namespace {

constexpr int64_t kPoints = 125000;
constexpr int64_t kFields = 16;

// One velocity for each vertex of the grid, [vertices, 2]: a sum of waves.
std::vector<float> SmoothField(Grid grid, uint64_t seed) {
  Eigen::Matrix2Xd velocities(2, grid.num_vertices());
  int vertex = 0;
  const Eigen::Matrix2Xd waves = test_util::DrawPoints(8, -8, 8, seed);
  const Eigen::Matrix2Xd sizes =
      test_util::DrawPoints(8, -0.05, 0.05, seed + 100);
  const auto put = [&](double x, double y) {
    Eigen::Vector2d v(0, 0);
    for (int k = 0; k < waves.cols(); ++k) {
      v += sizes.col(k) * std::sin(waves(0, k) * x + waves(1, k) * y + k);
    }
    velocities.col(vertex++) = v;
  };
  for (int j = 0; j <= grid.ny; ++j) {
    for (int i = 0; i <= grid.nx; ++i)
      put(double(i) / grid.nx, double(j) / grid.ny);
  }
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i)
      put((i + 0.5) / grid.nx, (j + 0.5) / grid.ny);
  }
  const Eigen::Matrix2Xf nearest =
      test_util::NearestVelocities(grid.nx, grid.ny, velocities).cast<float>();
  return {nearest.data(), nearest.data() + nearest.size()};
}

void ReportPerPoint(benchmark::State& state, int64_t points) {
  state.counters["ns_per_point"] = benchmark::Counter(
      1e-9 * static_cast<double>(points * state.iterations()),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Argument: cells per axis. Points are a grid, row by row.
struct Setting {
  Setting(int cells, int64_t fields, int64_t points)
      : grid{cells, cells}, num_fields(fields), num_points(points) {
    for (int64_t b = 0; b < fields; ++b) {
      const std::vector<float> field = SmoothField(grid, b);
      velocities.insert(velocities.end(), field.begin(), field.end());
    }
    const auto side = static_cast<int64_t>(std::ceil(std::sqrt(points)));
    for (int64_t n = 0; n < points; ++n) {
      this->points.push_back((n % side) / (side - 1.f));
      this->points.push_back((n / side) / (side - 1.f));
    }
    dl_dy.assign(2 * points * fields, 1.f);
  }
  FlowBatch<float> Flows() const {
    return {grid,          num_fields, num_points, velocities.data(),
            points.data(), true};
  }

  Grid grid;
  int64_t num_fields, num_points;
  std::vector<float> velocities, points, dl_dy;
};

// A sixteenth of the points and one field, which take their share of the time.
Setting ForOneThread(const benchmark::State& state) {
  return Setting(static_cast<int>(state.range(0)), 1, kPoints / 16);
}

void BM_TransformOnHost(benchmark::State& state) {
  const Setting s = ForOneThread(state);
  std::vector<float> y(s.dl_dy.size());
  for (auto _ : state) {
    TransformOnHost(s.Flows(), y.data());
    benchmark::DoNotOptimize(y.data());
  }
  ReportPerPoint(state, s.num_points);
}

void BM_PullbackOnHost(benchmark::State& state) {
  const Setting s = ForOneThread(state);
  std::vector<float> dl_dpoints(s.dl_dy.size());
  std::vector<double> dl_dvelocities(s.velocities.size());
  for (auto _ : state) {
    PullbackOnHost(s.Flows(), s.dl_dy.data(), dl_dpoints.data(),
                   dl_dvelocities.data());
    benchmark::DoNotOptimize(dl_dvelocities.data());
  }
  ReportPerPoint(state, s.num_points);
}

// The same field in the library's basis.
Flow LibraryFlow(const Setting& s) {
  const auto basis = Basis::Create({s.grid.nx, s.grid.ny}).value();
  const Eigen::Matrix2Xd velocities =
      Eigen::Map<const Eigen::Matrix2Xf>(s.velocities.data(), 2,
                                         s.grid.num_vertices())
          .cast<double>();
  return Flow(basis, basis->ThetaFromVertices(velocities));
}

Eigen::Map<const Eigen::Matrix2Xf> PointsOf(const std::vector<float>& points) {
  return {points.data(), 2, static_cast<Eigen::Index>(points.size() / 2)};
}

void BM_LibraryTransform(benchmark::State& state) {
  const Setting s = ForOneThread(state);
  const Flow flow = LibraryFlow(s);
  Eigen::Matrix2Xf y(2, s.num_points);
  for (auto _ : state) {
    flow.Transform<float>(PointsOf(s.points), y);
    benchmark::DoNotOptimize(y.data());
  }
  ReportPerPoint(state, s.num_points);
}

void BM_LibraryPullback(benchmark::State& state) {
  const Setting s = ForOneThread(state);
  const Flow flow = LibraryFlow(s);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        flow.Pullback<float>(PointsOf(s.points), PointsOf(s.dl_dy)));
  }
  ReportPerPoint(state, s.num_points);
}

struct OnDevice {
  explicit OnDevice(const Setting& s)
      : velocities(s.velocities),
        points(s.points),
        dl_dy(s.dl_dy),
        y(s.dl_dy.size()),
        dl_dvelocities(s.velocities.size()),
        flows(s.Flows()) {
    flows.velocities = velocities.data();
    flows.points = points.data();
  }

  DeviceArray<float> velocities, points, dl_dy, y;
  DeviceArray<double> dl_dvelocities;
  FlowBatch<float> flows;
};

bool SkipWithoutDevice(benchmark::State& state) {
  const std::string reason = WhyNoDevice();
  if (reason.empty()) return false;
  state.SkipWithError(reason.c_str());
  return true;
}

// Launches `launch` and waits, each time; the wait is some microseconds.
template <typename Launch>
void TimeOnDevice(benchmark::State& state, Launch launch) {
  for (auto _ : state) {
    const LaunchError error = launch();
    const std::string later = FinishWork();
    if (error != nullptr || !later.empty()) {
      state.SkipWithError(error ? error : later.c_str());
      return;
    }
  }
}

void BM_TransformOnDevice(benchmark::State& state) {
  if (SkipWithoutDevice(state)) return;
  const Setting s(static_cast<int>(state.range(0)), kFields, kPoints);
  OnDevice d(s);
  TimeOnDevice(state,
               [&] { return LaunchTransform(d.flows, d.y.data(), nullptr); });
  ReportPerPoint(state, kPoints * kFields);
}

void BM_PullbackOnDevice(benchmark::State& state) {
  if (SkipWithoutDevice(state)) return;
  const Setting s(static_cast<int>(state.range(0)), kFields, kPoints);
  OnDevice d(s);
  TimeOnDevice(state, [&] {
    return LaunchPullback(d.flows, d.dl_dy.data(), d.y.data(),
                          d.dl_dvelocities.data(), nullptr);
  });
  ReportPerPoint(state, kPoints * kFields);
}

BENCHMARK(BM_TransformOnDevice)
    ->ArgName("cells")
    ->RangeMultiplier(2)
    ->Range(4, 64)
    ->UseRealTime();
BENCHMARK(BM_PullbackOnDevice)
    ->ArgName("cells")
    ->RangeMultiplier(2)
    ->Range(4, 64)
    ->UseRealTime();
BENCHMARK(BM_TransformOnHost)
    ->ArgName("cells")
    ->RangeMultiplier(2)
    ->Range(4, 64);
BENCHMARK(BM_LibraryTransform)
    ->ArgName("cells")
    ->RangeMultiplier(2)
    ->Range(4, 16);
BENCHMARK(BM_PullbackOnHost)
    ->ArgName("cells")
    ->RangeMultiplier(2)
    ->Range(4, 64);
BENCHMARK(BM_LibraryPullback)
    ->ArgName("cells")
    ->RangeMultiplier(2)
    ->Range(4, 16);

// ---- Fits of 32 frames: 10 local ones of 5 pairs on 4x4 cells a frame, or one
// global one of 50 pairs on 6x6.

struct FitSetting {
  explicit FitSetting(int cells)
      : is_local(cells == 4),
        fitter(KeypointFitter::Create(Basis::Create({cells, cells}).value(), {})
                   .value()),
        count(is_local ? 5 : 50),
        batch(32 * (is_local ? 10 : 1)) {
    const RowMajorMatrix& w = fitter.basis()->vertex_basis();
    covariance = w * fitter.prior().covariance() * w.transpose();
    for (int64_t b = 0; b < batch; ++b) {
      KeypointPairs pairs;
      pairs.from = test_util::DrawPoints(count, 0.1, 0.9, 3 * b);
      pairs.to =
          pairs.from + test_util::DrawPoints(count, -0.005, 0.005, 3 * b + 1);
      pairs.to.array() +=
          0.05 * (4 * pairs.from.colwise().reverse().array()).sin();
      from.insert(from.end(), pairs.from.data(),
                  pairs.from.data() + pairs.from.size());
      to.insert(to.end(), pairs.to.data(), pairs.to.data() + pairs.to.size());
      problems.push_back(pairs);
    }
    force.resize(w.rows() * batch);
    numbers.resize(4 * batch);
    iterations.resize(batch);
    converged.reset(new bool[batch]);
  }
  FitBatch Problems() const {
    const FitOptions& o = fitter.options();
    const TessellationOptions& cells = fitter.basis()->tessellation().options();
    return {{{cells.nx, cells.ny, cells.zero_boundary}, covariance.data()},
            {o.tension, o.noise, o.tolerance, o.trust_region, o.max_gradient,
             o.max_iterations},
            batch,
            count,
            from.data(),
            to.data(),
            nullptr};
  }

  bool is_local;
  KeypointFitter fitter;
  int count;
  int64_t batch;
  RowMajorMatrix covariance;
  std::vector<KeypointPairs> problems;
  std::vector<double> from, to, force, numbers;
  std::vector<int64_t> iterations;
  std::unique_ptr<bool[]> converged;
};

void BM_FitOnHost(benchmark::State& state) {
  FitSetting s(static_cast<int>(state.range(0)));
  double* const n = s.numbers.data();
  for (auto _ : state) {
    FitOnHost(s.Problems(),
              {s.force.data(), n, n + s.batch, n + 2 * s.batch, n + 3 * s.batch,
               s.iterations.data(), s.converged.get()});
  }
}

void BM_LibraryFit(benchmark::State& state) {
  const FitSetting s(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(s.fitter.FitAll(s.problems, Serially));
  }
}

void BM_FitOnDevice(benchmark::State& state) {
  if (SkipWithoutDevice(state)) return;
  const FitSetting s(static_cast<int>(state.range(0)));
  DeviceArray<double> covariance(std::vector<double>(
      s.covariance.data(), s.covariance.data() + s.covariance.size()));
  DeviceArray<double> from(s.from), to(s.to), force(s.force.size()),
      numbers(s.numbers.size());
  DeviceArray<int64_t> iterations(s.batch);
  DeviceArray<bool> converged(s.batch);
  FitBatch problems = s.Problems();
  const FitMemory memory(problems.model.grid, problems.count);
  DeviceArray<double> doubles(memory.num_doubles() * s.batch);
  DeviceArray<int> ints(memory.num_ints() * s.batch);
  problems.model.covariance = covariance.data();
  problems.from = from.data();
  problems.to = to.data();
  double* const n = numbers.data();
  TimeOnDevice(state, [&] {
    return LaunchFit(problems,
                     {force.data(), n, n + s.batch, n + 2 * s.batch,
                      n + 3 * s.batch, iterations.data(), converged.data()},
                     doubles.data(), ints.data(), nullptr);
  });
}

// The gradient of the fits.
void BM_FitPullbackOnDevice(benchmark::State& state) {
  if (SkipWithoutDevice(state)) return;
  const FitSetting s(static_cast<int>(state.range(0)));
  DeviceArray<double> covariance(std::vector<double>(
      s.covariance.data(), s.covariance.data() + s.covariance.size()));
  DeviceArray<double> from(s.from), to(s.to), force(s.force.size()),
      numbers(s.numbers.size()), of_from(s.from.size()), of_to(s.to.size());
  DeviceArray<double> gradient(std::vector<double>(s.force.size(), 1));
  DeviceArray<int64_t> iterations(s.batch);
  DeviceArray<bool> flags(s.batch);
  FitBatch problems = s.Problems();
  const PullbackMemory memory(problems.model.grid, problems.count);
  DeviceArray<double> doubles(memory.num_doubles() * s.batch);
  DeviceArray<int> ints(memory.num_ints() * s.batch);
  problems.model.covariance = covariance.data();
  problems.from = from.data();
  problems.to = to.data();
  double* const n = numbers.data();
  LaunchFit(problems,
            {force.data(), n, n + s.batch, n + 2 * s.batch, n + 3 * s.batch,
             iterations.data(), flags.data()},
            doubles.data(), ints.data(), nullptr);
  TimeOnDevice(state, [&] {
    return LaunchFitPullback(problems,
                             {force.data(), n + 2 * s.batch, gradient.data(),
                              of_from.data(), of_to.data(), flags.data()},
                             doubles.data(), ints.data(), nullptr);
  });
}

BENCHMARK(BM_FitPullbackOnDevice)
    ->ArgName("cells")
    ->Arg(4)
    ->Arg(6)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(BM_FitOnDevice)
    ->ArgName("cells")
    ->Arg(4)
    ->Arg(6)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(BM_FitOnHost)
    ->ArgName("cells")
    ->Arg(4)
    ->Arg(6)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_LibraryFit)
    ->ArgName("cells")
    ->Arg(4)
    ->Arg(6)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cpab::kernels
