// Time of flows of the interval, of their adjoint and of one point at a time.
//
//   tools/bazelw run //cpab/interval:interval_benchmark
//
// ns_per_point is the figure to read. Fields are strong: a point crosses two or
// three of ten cells.
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/testing/draws.h"

namespace cpab {
namespace {

// Fields that the loops take in turn, so that no branch is learnt by heart.
constexpr int kFields = 16;

// Arguments: cells, points.
struct Setting {
  explicit Setting(const benchmark::State& state)
      : basis(IntervalBasis::Create({static_cast<int>(state.range(0)), true})
                  .value()),
        points(IntervalPoints<float>::LinSpaced(state.range(1), 0, 1)),
        y(points) {
    for (int i = 0; i < kFields; ++i) {
      thetas.push_back(test_util::DrawNormal(basis->theta_size(), 1, i));
    }
  }

  std::shared_ptr<const IntervalBasis> basis;
  IntervalPoints<float> points, y;
  std::vector<Eigen::VectorXd> thetas;
};

void ReportPerPoint(benchmark::State& state, int64_t points) {
  state.counters["ns_per_point"] = benchmark::Counter(
      1e-9 * static_cast<double>(points * state.iterations()),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_Transform(benchmark::State& state) {
  Setting s(state);
  int i = 0;
  for (auto _ : state) {
    const IntervalFlow flow(s.basis, s.thetas[i++ % kFields]);
    flow.Transform<float>(s.points, s.y);
    benchmark::DoNotOptimize(s.y.data());
  }
  ReportPerPoint(state, s.points.cols());
}

void BM_Pullback(benchmark::State& state) {
  const Setting s(state);
  int i = 0;
  for (auto _ : state) {
    const IntervalFlow flow(s.basis, s.thetas[i++ % kFields]);
    benchmark::DoNotOptimize(flow.Pullback<float>(s.points, s.points));
  }
  ReportPerPoint(state, s.points.cols());
}

void BM_OnePoint(benchmark::State& state) {
  Setting s(state);
  int i = 0;
  for (auto _ : state) {
    const IntervalFlow flow(s.basis, s.thetas[i++ % kFields]);
    for (int n = 0; n < s.points.cols(); ++n) {
      s.y[n] = static_cast<float>(flow(s.points[n]));
    }
    benchmark::DoNotOptimize(s.y.data());
  }
  ReportPerPoint(state, s.points.cols());
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"cells", "points"})
      ->Args({10, 128})
      ->Args({10, 4096})
      ->Args({100, 4096});
}

BENCHMARK(BM_Transform)->Apply(Sizes);
BENCHMARK(BM_Pullback)->Apply(Sizes);
BENCHMARK(BM_OnePoint)->Apply(Sizes);

}  // namespace
}  // namespace cpab
