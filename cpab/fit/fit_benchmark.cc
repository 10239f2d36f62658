// Time of keypoint inference in the model's two settings: ten local transforms
// of 5 pairs on 4x4 cells and one global transform of 50 pairs on 6x6 cells,
// for each frame.
//
//   tools/bazelw run //cpab/fit:fit_benchmark
//
// BM_GaussNewton and BM_Adam do the same problems: the ratio of their times is
// the algorithm's part in the speed-up. Our Adam runs on the exact flow and its
// adjoint; the original's 100 and 150 steps take 1.5 s and 3.4 s a frame at -O2
// on one core of the development machine, its grids of 64x64 included.
// BM_Pullback is the implicit gradient of a batch. Counters: mean iterations,
// and microseconds a problem.
#include <cmath>
#include <vector>

#include "benchmark/benchmark.h"
#include "cpab/fit/fit.h"
#include "cpab/testing/draws.h"

namespace cpab {
namespace {

// Batches that the loops take in turn.
constexpr int kBatches = 4;

// A smooth motion of the keypoints, as large as a limb's, and the noise of a
// detector.
KeypointPairs DrawMotion(int count, uint64_t seed) {
  KeypointPairs pairs;
  pairs.from = test_util::DrawPoints(count, 0.1, 0.9, seed);
  const Eigen::Matrix2Xd shape =
      test_util::DrawPoints(2, -0.08, 0.08, seed + 1);
  pairs.to = pairs.from + test_util::DrawPoints(count, -0.005, 0.005, seed + 2);
  for (int k = 0; k < count; ++k) {
    const Eigen::Vector2d p = pairs.from.col(k);
    pairs.to.col(k) += shape.col(0) * std::sin(5 * p.x() + 3 * p.y()) +
                       shape.col(1) * std::cos(4 * p.y() - 2 * p.x());
  }
  return pairs;
}

// Arguments: cells per axis (4 local, 6 global), frames in the batch, threads.
struct Setting {
  Setting(const benchmark::State& state, const FitOptions& options)
      : cells(static_cast<int>(state.range(0))),
        fitter(KeypointFitter::Create(Basis::Create({cells, cells}).value(),
                                      options)
                   .value()),
        parallel_for(OnThreads(static_cast<int>(state.range(2)))) {
    const bool local = cells == 4;
    const int problems = static_cast<int>(state.range(1)) * (local ? 10 : 1);
    uint64_t seed = 0;
    for (auto& batch : batches) {
      for (int i = 0; i < problems; ++i) {
        batch.push_back(DrawMotion(local ? 5 : 50, seed += 3));
      }
    }
  }

  int cells;
  KeypointFitter fitter;
  ParallelFor parallel_for;
  std::vector<KeypointPairs> batches[kBatches];
};

void Fit(benchmark::State& state, const FitOptions& options) {
  const Setting s(state, options);
  int64_t iterations = 0, problems = 0;
  int i = 0;
  for (auto _ : state) {
    const auto results =
        s.fitter.FitAll(s.batches[i++ % kBatches], s.parallel_for);
    for (const FitResult& result : results) iterations += result.iterations;
    problems += static_cast<int64_t>(results.size());
  }
  state.counters["iterations"] = static_cast<double>(iterations) / problems;
  state.counters["us_per_problem"] = benchmark::Counter(
      1e-6 * static_cast<double>(problems),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_GaussNewton(benchmark::State& state) { Fit(state, {}); }
BENCHMARK(BM_GaussNewton)
    ->ArgNames({"cells", "frames", "threads"})
    ->ArgsProduct({{4, 6}, {1, 8, 32}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_Adam(benchmark::State& state) {
  FitOptions options;
  options.solver = FitOptions::Solver::kAdam;
  options.adam_iterations = state.range(0) == 4 ? 100 : 150;
  Fit(state, options);
}
BENCHMARK(BM_Adam)
    ->ArgNames({"cells", "frames", "threads"})
    ->ArgsProduct({{4, 6}, {1}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_Pullback(benchmark::State& state) {
  const Setting s(state, {});
  const auto results = s.fitter.FitAll(s.batches[0], Serially);
  const Eigen::VectorXd cotangent =
      test_util::DrawTheta(*s.fitter.basis(), 1, 1);
  for (auto _ : state) {
    s.parallel_for(static_cast<int64_t>(results.size()), [&](int64_t b) {
      benchmark::DoNotOptimize(
          s.fitter.Pullback(s.batches[0][b], results[b], cotangent));
    });
  }
}
BENCHMARK(BM_Pullback)
    ->ArgNames({"cells", "frames", "threads"})
    ->ArgsProduct({{4, 6}, {1}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_CreateFitter(benchmark::State& state) {
  const int cells = static_cast<int>(state.range(0));
  const auto basis = Basis::Create({cells, cells}).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(KeypointFitter::Create(basis, {}));
  }
}
BENCHMARK(BM_CreateFitter)
    ->ArgName("cells")
    ->Arg(4)
    ->Arg(6)
    ->Arg(12)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cpab
