// A training step of the 7x7 heads: fold_convolution.h beside LibTorch's
// convolutions.
//
//   tools/bazelw run //networks/cpu:fold_convolution_benchmark
//
// One thread, batch 4, channels_last; forward, and backward into image, weights
// and bias. A row's arguments are the side of the map, its channels, and the
// outputs.
#include <torch/types.h>
#include <torch/utils.h>

#include "benchmark/benchmark.h"
#include "networks/cpu/fold_convolution.h"
#include "networks/cpu/pixels.h"

namespace networks::cpu {
namespace {

constexpr int64_t kBatch = 4, kKernelSize = 7;

template <typename Convolve>
void Step(benchmark::State& state, const Convolve& convolve) {
  torch::set_num_threads(1);
  const int64_t side = state.range(0), in = state.range(1),
                out = state.range(2);
  const torch::Tensor image =
      WithChannelsLast(torch::rand({kBatch, in, side, side})).requires_grad_();
  const torch::Tensor weight =
      torch::rand({out, in, kKernelSize, kKernelSize}).requires_grad_();
  const torch::Tensor bias = torch::rand({out}).requires_grad_();
  const torch::Tensor factor = torch::rand({kBatch, out, side, side});
  for (auto _ : state) convolve(image, weight, bias).backward(factor);
}

void BM_LibTorch(benchmark::State& state) {
  Step(state, [](const torch::Tensor& image, const torch::Tensor& weight,
                 const torch::Tensor& bias) {
    return torch::conv2d(image, weight, bias, /*stride=*/1,
                         /*padding=*/kKernelSize / 2);
  });
}

void BM_Fold(benchmark::State& state) { Step(state, FoldConvolution); }

void Shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"side", "in", "out"})
      ->Args({64, 39, 1})
      ->Args({64, 16, 3})
      ->Args({32, 79, 1})
      ->Args({32, 79, 7})
      ->Args({256, 37, 1})
      ->Args({256, 64, 3})
      ->Unit(benchmark::kMillisecond);
}
BENCHMARK(BM_LibTorch)->Apply(Shapes);
BENCHMARK(BM_Fold)->Apply(Shapes);

}  // namespace
}  // namespace networks::cpu
