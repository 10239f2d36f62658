// Time of the flow, its adjoint and its Jacobian, exact against stepped.
//
//   tools/bazelw run //cpab/flow:flow_benchmark
//
// ns_per_point is the figure to read. The field has theta of standard deviation
// 0.5 for 4x4 cells (it moves points by up to 0.35), as in the golden data;
// violent fields are there for comparison. Stepped is the original library's
// method, 50 steps, in our own code.

#include <cstdint>

#include "benchmark/benchmark.h"
#include "cpab/flow/flow.h"
#include "cpab/flow/stepped_flow.h"
#include "cpab/testing/draws.h"

namespace cpab {
namespace {

// Fields that the loops take in turn, so that no branch is learnt by heart.
constexpr int kFields = 16;

Eigen::Matrix2Xf Grid(int side) {
  Eigen::Matrix2Xf points(2, side * side);
  for (int n = 0; n < points.cols(); ++n) {
    points.col(n) << (n % side) / (side - 1.f), (n / side) / (side - 1.f);
  }
  return points;
}

std::vector<VelocityField> Fields(const std::shared_ptr<const Basis>& basis,
                                  double magnitude) {
  std::vector<VelocityField> fields;
  for (int i = 0; i < kFields; ++i) {
    fields.emplace_back(basis, test_util::DrawTheta(*basis, magnitude, i));
  }
  return fields;
}

void ReportPerPoint(benchmark::State& state, int64_t points) {
  state.counters["ns_per_point"] = benchmark::Counter(
      1e-9 * static_cast<double>(points * state.iterations()),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Arguments: cells per axis, grid points per axis, threads, 100 magnitude.
struct Setting {
  explicit Setting(const benchmark::State& state)
      : basis(Basis::Create({static_cast<int>(state.range(0)),
                             static_cast<int>(state.range(0))})
                  .value()),
        points(Grid(static_cast<int>(state.range(1)))),
        parallel_for(OnThreads(static_cast<int>(state.range(2)))),
        fields(Fields(basis, state.range(3) / 100.0)) {}

  std::shared_ptr<const Basis> basis;
  Eigen::Matrix2Xf points;
  ParallelFor parallel_for;
  std::vector<VelocityField> fields;
};

void BM_Transform(benchmark::State& state) {
  const Setting s(state);
  Eigen::Matrix2Xf y(2, s.points.cols());
  int i = 0;
  for (auto _ : state) {
    Flow(s.fields[i++ % kFields]).Transform<float>(s.points, y, s.parallel_for);
    benchmark::DoNotOptimize(y.data());
  }
  ReportPerPoint(state, s.points.cols());
}

void BM_Stepped(benchmark::State& state) {
  const Setting s(state);
  Eigen::Matrix2Xf y(2, s.points.cols());
  int i = 0;
  for (auto _ : state) {
    SteppedFlow(s.fields[i++ % kFields])
        .Transform<float>(s.points, y, s.parallel_for);
    benchmark::DoNotOptimize(y.data());
  }
  ReportPerPoint(state, s.points.cols());
}

// Includes the walk forwards.
void BM_Pullback(benchmark::State& state) {
  const Setting s(state);
  int i = 0;
  for (auto _ : state) {
    const Flow flow(s.fields[i++ % kFields]);
    const auto gradient =
        flow.Pullback<float>(s.points, s.points, s.parallel_for);
    benchmark::DoNotOptimize(s.basis->ThetaFromCells(gradient.cells));
  }
  ReportPerPoint(state, s.points.cols());
}

void BM_Jacobians(benchmark::State& state) {
  const Setting s(state);
  const Eigen::Matrix2Xd points = s.points.cast<double>();
  int i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Flow(s.fields[i++ % kFields]).Jacobians(points));
  }
  ReportPerPoint(state, s.points.cols());
}

void BM_PrepareFlow(benchmark::State& state) {
  const auto basis = Basis::Create({static_cast<int>(state.range(0)),
                                    static_cast<int>(state.range(0))})
                         .value();
  const Eigen::VectorXd theta = test_util::DrawTheta(*basis, 0.5, 1);
  for (auto _ : state) benchmark::DoNotOptimize(Flow(basis, theta));
}

void BM_CreateBasis(benchmark::State& state) {
  const int side = static_cast<int>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        Basis::Create({side, side, state.range(1) > 0, state.range(2) > 0}));
  }
}

const std::vector<std::string> kNames = {"cells", "grid", "threads",
                                         "magnitude%"};
BENCHMARK(BM_Transform)
    ->ArgNames(kNames)
    ->Args({4, 64, 1, 50})
    ->Args({4, 64, 2, 50})
    ->Args({4, 64, 1, 5})
    ->Args({4, 64, 1, 200})
    ->Args({6, 64, 1, 50})
    ->Args({4, 256, 1, 50})
    ->Args({4, 256, 2, 50})
    ->Args({4, 1024, 1, 50})
    ->Args({4, 1024, 2, 50})
    ->UseRealTime();
BENCHMARK(BM_Stepped)
    ->ArgNames(kNames)
    ->Args({4, 64, 1, 50})
    ->Args({6, 64, 1, 50})
    ->UseRealTime();
BENCHMARK(BM_Pullback)
    ->ArgNames(kNames)
    ->Args({4, 64, 1, 50})
    ->Args({4, 64, 2, 50})
    ->Args({6, 64, 1, 50})
    ->Args({4, 256, 1, 50})
    ->Args({4, 1024, 1, 50})
    ->Args({4, 1024, 2, 50})
    ->UseRealTime();
BENCHMARK(BM_Jacobians)
    ->ArgNames(kNames)
    ->Args({4, 64, 1, 50})
    ->Args({6, 64, 1, 50})
    ->Args({4, 256, 1, 50});
BENCHMARK(BM_PrepareFlow)->ArgName("cells")->Arg(4)->Arg(6);
BENCHMARK(BM_CreateBasis)
    ->ArgNames({"cells", "zero_boundary", "volume"})
    ->Args({4, 0, 0})
    ->Args({20, 0, 0})
    ->Args({20, 0, 1})
    ->Args({20, 1, 0})
    ->Args({20, 1, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cpab
