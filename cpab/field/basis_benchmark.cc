// Time to make a basis and a prior, dense and sparse, and to use them.
//
//   tools/bazelw run //cpab/field:basis_benchmark
//
// `stored` is the number of doubles that the basis keeps.
#include <memory>
#include <random>

#include "benchmark/benchmark.h"
#include "cpab/field/basis.h"
#include "cpab/field/finite_elements.h"
#include "cpab/field/prior.h"
#include "cpab/field/sparse_prior.h"

namespace cpab {
namespace {

// Arguments: rectangles along each axis, sparse or not.
TessellationOptions OptionsOf(const benchmark::State& state) {
  const int cells = static_cast<int>(state.range(0));
  return {cells, cells, true, false, state.range(1) != 0};
}

double StoredBy(const Basis& basis) {
  return static_cast<double>(basis.is_sparse()
                                 ? basis.sparse_vertex_basis()->num_stored()
                                 : basis.vertex_basis().size());
}

void BM_Basis(benchmark::State& state) {
  std::shared_ptr<const Basis> basis;
  for (auto _ : state) basis = Basis::Create(OptionsOf(state)).value();
  state.counters["stored"] = StoredBy(*basis);
}

void BM_CellsFromTheta(benchmark::State& state) {
  const auto basis = Basis::Create(OptionsOf(state)).value();
  const Eigen::VectorXd theta = Eigen::VectorXd::Ones(basis->theta_size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(basis->CellsFromTheta(theta)(0, 0));
  }
}

std::shared_ptr<const SparsePrior> SparsePriorOf(const Basis& basis) {
  const Tessellation& tessellation = basis.tessellation();
  return SparsePrior::Create(
             basis.sparse_vertex_basis(), tessellation.vertices(),
             MakeFiniteElements(tessellation.cells(),
                                tessellation.num_vertices(),
                                [&](int cell) -> const Eigen::Matrix3d& {
                                  return basis.shape_matrix(cell);
                                }),
             {})
      .value();
}

void BM_Prior(benchmark::State& state) {
  const auto basis = Basis::Create(OptionsOf(state)).value();
  for (auto _ : state) {
    if (basis->is_sparse()) {
      benchmark::DoNotOptimize(SparsePriorOf(*basis));
    } else {
      benchmark::DoNotOptimize(Prior::Create(basis, {}).value());
    }
  }
}

void BM_Sample(benchmark::State& state) {
  const auto basis = Basis::Create(OptionsOf(state)).value();
  const auto prior = SparsePriorOf(*basis);
  std::mt19937_64 generator(1);
  for (auto _ : state) benchmark::DoNotOptimize(prior->Sample(generator)[0]);
}

void Kinds(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"cells", "sparse"});
  benchmark->Args({20, 0})->Args({20, 1})->Args({64, 1});
  benchmark->Unit(benchmark::kMillisecond);
}
BENCHMARK(BM_Basis)->Apply(Kinds);
BENCHMARK(BM_CellsFromTheta)->Apply(Kinds);
BENCHMARK(BM_Prior)->Apply(Kinds);
BENCHMARK(BM_Sample)
    ->ArgNames({"cells", "sparse"})
    ->Args({20, 1})
    ->Args({64, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cpab
