// A step of Adam on the parameters of a network of full width, on the CPU.
//
//   tools/bazelw run //pipelines/optimizer:adam_benchmark
//
// "parts": contiguous parameters, which are updated in parts that stay in the
// cache. "whole": transposed ones, which each operator passes as a whole. 16 MB
// each; those of full-width networks have 9 to 36 MB.
#include <benchmark/benchmark.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "pipelines/app/allocation.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/optimizer/adam.h"

namespace pipelines {
namespace {

void BM_AdamStep(benchmark::State& state, bool transposed) {
  constexpr int64_t kSide = 2048, kLayers = 20;
  torch::nn::ModuleList layers;
  for (int64_t i = 0; i < kLayers; ++i) {
    layers->push_back(
        torch::nn::Linear(torch::nn::LinearOptions(kSide, kSide).bias(false)));
  }
  for (torch::Tensor& weight : layers->parameters()) {
    const torch::Tensor gradient = torch::randn({kSide, kSide});
    if (transposed) weight.set_data(weight.detach().t().contiguous().t());
    weight.mutable_grad() =
        transposed ? gradient.t().contiguous().t() : gradient;
  }
  Adam adam(*layers, AdamOptions());
  adam.Step(1e-4);
  for (auto _ : state) adam.Step(1e-4);
}
BENCHMARK_CAPTURE(BM_AdamStep, parts, false)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(BM_AdamStep, whole, true)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  pipelines::KeepFreedMemory();
  if (!pipelines::SetThreads(0).ok()) return 1;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
