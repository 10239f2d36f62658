// Time of fits over fine cells, whose bases are stored sparsely.
//
//   tools/bazelw run //cpab/landmark:landmark_benchmark
//
// Arguments: dimensions, cells along each axis, pairs. BM_Create makes basis
// and prior, which are made once; BM_Fit one fit; BM_Pullback its gradient.

#include "Eigen/Core"
#include "benchmark/benchmark.h"
#include "cpab/landmark/landmark_fit.h"

namespace cpab {
namespace {

LandmarkFitter FitterOf(const benchmark::State& state) {
  const int cells = static_cast<int>(state.range(1));
  if (state.range(0) == 2) {
    return LandmarkFitter::Create(
               Basis::Create({cells, cells, true, false, true}).value(), {})
        .value();
  }
  return LandmarkFitter::Create(
             VolumeBasis::Create({cells, cells, cells, true, false, true})
                 .value(),
             {})
      .value();
}

// Points inside, moved by up to a twentieth, smoothly.
LandmarkPairs PairsOf(const benchmark::State& state) {
  LandmarkPairs pairs;
  std::srand(1);
  pairs.from =
      0.5 + 0.4 * Eigen::ArrayXXd::Random(state.range(0), state.range(2));
  pairs.to = pairs.from.array() + 0.05 * (5 * pairs.from.array()).sin();
  return pairs;
}

void BM_Create(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(FitterOf(state));
}

void BM_Fit(benchmark::State& state) {
  const LandmarkFitter fitter = FitterOf(state);
  const LandmarkPairs pairs = PairsOf(state);
  FitResult result;
  for (auto _ : state) result = fitter.Fit(pairs);
  state.counters["steps"] = result.iterations;
  state.counters["residual"] = result.residual;
}

void BM_Pullback(benchmark::State& state) {
  const LandmarkFitter fitter = FitterOf(state);
  const LandmarkPairs pairs = PairsOf(state);
  const FitResult result = fitter.Fit(pairs);
  const Eigen::VectorXd direction = Eigen::VectorXd::Ones(result.theta.size());
  for (auto _ : state) {
    state.counters["exact"] = fitter.Pullback(pairs, result, direction).exact;
  }
}

void Kinds(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"dimensions", "cells", "pairs"});
  benchmark->Args({2, 20, 20})->Args({2, 64, 20})->Args({3, 16, 20});
  benchmark->Unit(benchmark::kMillisecond);
}
BENCHMARK(BM_Create)->Apply(Kinds);
BENCHMARK(BM_Fit)->Apply(Kinds);
BENCHMARK(BM_Pullback)->Apply(Kinds);

}  // namespace
}  // namespace cpab
