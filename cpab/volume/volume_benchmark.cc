// Time of flows of the cube, of their adjoint and of one Jacobian at a time.
//
//   tools/bazelw run //cpab/volume:volume_benchmark
//
// ns_per_point is the figure to read. Fields are smooth, with a correlation
// length of the side of the cube: gentle ones of speed 0.1, strong ones of 0.5.
#include <memory>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/volume/volume_flow.h"

namespace cpab {
namespace {

// Fields that the loops take in turn, so that no branch is learnt by heart.
constexpr int kFields = 8;
constexpr int kPoints = 4096;

// Arguments: boxes along each axis, speed in hundredths.
struct Setting {
  explicit Setting(const benchmark::State& state) {
    const int boxes = static_cast<int>(state.range(0));
    basis = VolumeBasis::Create({boxes, boxes, boxes, true}).value();
    PriorOptions options;
    options.length_scale = 1;
    options.speed = static_cast<double>(state.range(1)) / 100;
    options.gradient = 0;
    const auto prior = SmoothnessPrior::Create(basis->vertices(),
                                               basis->vertex_basis(), options)
                           .value();
    std::mt19937_64 generator(1);
    for (int i = 0; i < kFields; ++i) {
      flows.emplace_back(basis, prior->Sample(generator));
    }
    std::uniform_real_distribution<double> uniform(0, 1);
    points.resize(3, kPoints);
    for (double& x : points.reshaped()) x = uniform(generator);
  }

  const VolumeFlow& NextFlow() { return flows[next++ % kFields]; }

  std::shared_ptr<const VolumeBasis> basis;
  std::vector<VolumeFlow> flows;
  Eigen::Matrix3Xd points;
  int next = 0;
};

void SetRate(benchmark::State& state, double points) {
  state.counters["ns_per_point"] = benchmark::Counter(
      points * 1e-9, benchmark::Counter::kIsIterationInvariantRate |
                         benchmark::Counter::kInvert);
}

void BM_Transform(benchmark::State& state) {
  Setting setting(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(setting.NextFlow().Transform(setting.points));
  }
  SetRate(state, kPoints);
}

// Of points in the cube and around it; those outside take their arcs one at a
// time.
void BM_TransformAround(benchmark::State& state) {
  Setting setting(state);
  const Eigen::Matrix3Xd points = setting.points.array() * 1.6 - 0.3;
  for (auto _ : state) {
    benchmark::DoNotOptimize(setting.NextFlow().Transform(points));
  }
  SetRate(state, kPoints);
}

void BM_Pullback(benchmark::State& state) {
  Setting setting(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        setting.NextFlow().Pullback(setting.points, setting.points).theta);
  }
  SetRate(state, kPoints);
}

void BM_Jacobian(benchmark::State& state) {
  Setting setting(state);
  int n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        setting.NextFlow().Jacobian(setting.points.col(n++ % kPoints)).log_det);
  }
  SetRate(state, 1);
}

void Settings(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"boxes", "speed"});
  for (const int boxes : {2, 4, 6}) {
    for (const int speed : {10, 50}) benchmark->Args({boxes, speed});
  }
}
BENCHMARK(BM_Transform)->Apply(Settings);
BENCHMARK(BM_TransformAround)->Apply(Settings);
BENCHMARK(BM_Pullback)->Apply(Settings);
BENCHMARK(BM_Jacobian)->Apply(Settings);

}  // namespace
}  // namespace cpab
