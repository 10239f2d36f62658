// A 3x3 convolution of VGG-19's shapes: Winograd's method beside LibTorch's.
//
//   tools/bazelw run //networks/cpu:winograd_benchmark
//
// One thread, batch 8, 64x64 images; a row's two arguments are the side of the
// map and the number of channels.
#include <c10/core/InferenceMode.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "benchmark/benchmark.h"
#include "networks/cpu/differentiable_convolution.h"
#include "networks/cpu/kernels.h"
#include "networks/cpu/pixels.h"
#include "networks/cpu/winograd.h"

namespace networks::cpu {
namespace {

constexpr int64_t kBatch = 8;

// Of the direct method, whatever the method is.
void CountFlops(benchmark::State& state, int passes) {
  const double flops = passes * 2.0 * 9 * kBatch * state.range(0) *
                       state.range(0) * state.range(1) * state.range(1);
  state.counters["GFLOP/s"] = benchmark::Counter(
      flops * state.iterations() / 1e9, benchmark::Counter::kIsRate);
}

struct Operands {
  explicit Operands(const benchmark::State& state)
      : image(torch::rand(
            {kBatch, state.range(1), state.range(0), state.range(0)})),
        weight(torch::rand({state.range(1), state.range(1), 3, 3})),
        bias(torch::rand({state.range(1)})) {
    torch::set_num_threads(1);
  }
  torch::Tensor image, weight, bias;
};

void BM_Forward_LibTorch(benchmark::State& state) {
  torch::InferenceMode inference;
  const Operands x(state);
  for (auto _ : state) torch::conv2d(x.image, x.weight, x.bias, 1, 1);
  CountFlops(state, 1);
}

void BM_Forward_Winograd(benchmark::State& state) {
  torch::InferenceMode inference;
  const Operands x(state);
  const torch::Tensor image = WithChannelsLast(x.image);
  const Winograd winograd(*BestKernels(), x.weight);
  for (auto _ : state) winograd.Apply({image}, x.bias);
  CountFlops(state, 1);
}

// Forward, and backward into the image and, if `trained`, the weights, whose
// change between steps is counted in.
template <typename Convolve>
void Step(benchmark::State& state, bool trained, bool channels_last,
          const Convolve& convolve) {
  Operands x(state);
  if (channels_last) x.image = WithChannelsLast(x.image);
  x.image.requires_grad_();
  x.weight.requires_grad_(trained);
  x.bias.requires_grad_(trained);
  const torch::Tensor factor =
      torch::rand_like(convolve(x.image, x.weight, x.bias)).detach();
  for (auto _ : state) {
    convolve(x.image, x.weight, x.bias).backward(factor);
    if (!trained) continue;
    torch::NoGradGuard no_grad;
    x.weight.add_(1e-3);
  }
  CountFlops(state, trained ? 3 : 2);
}

void BM_Step_LibTorch(benchmark::State& state, bool trained) {
  Step(state, trained, /*channels_last=*/false,
       [](const torch::Tensor& image, const torch::Tensor& weight,
          const torch::Tensor& bias) {
         return torch::conv2d(image, weight, bias, 1, 1);
       });
}

void BM_Step_Winograd(benchmark::State& state, bool trained) {
  const DifferentiableConvolution convolution;
  Step(state, trained, /*channels_last=*/true,
       [&](const torch::Tensor& image, const torch::Tensor& weight,
           const torch::Tensor& bias) {
         return convolution.Apply(image, weight, bias);
       });
}

void Shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({64, 16})
      ->Args({64, 24})
      ->Args({32, 48})
      ->Args({16, 96})
      ->Args({64, 64})
      ->Args({32, 128})
      ->Args({16, 256})
      ->Args({8, 256})
      ->Args({8, 512})
      ->Args({4, 512})
      ->Unit(benchmark::kMillisecond);
}

BENCHMARK(BM_Forward_LibTorch)->Apply(Shapes);
BENCHMARK(BM_Forward_Winograd)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Step_LibTorch, frozen, false)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Step_Winograd, frozen, false)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Step_LibTorch, trained, true)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Step_Winograd, trained, true)->Apply(Shapes);

}  // namespace
}  // namespace networks::cpu
