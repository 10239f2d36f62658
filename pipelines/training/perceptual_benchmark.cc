// The perceptual loss of one pair of 256x256 with a VGG-19 of full width, and
// its gradient: in float32 on the kernels of networks/cpu, and within autocast
// to bfloat16 on LibTorch's.
//
//   OMP_NUM_THREADS=1 tools/bazelw run
//   //pipelines/training:perceptual_benchmark
//
// Labels have the relative difference from float32 of the loss, and of the
// gradient by its L2 norm; of "another_pair", those of the loss and gradient of
// another draw of the images, as another seed would have it. Random weights and
// smooth random images.
#include <benchmark/benchmark.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "losses/perceptual.h"
#include "pipelines/app/allocation.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/model/autocast.h"

namespace pipelines {
namespace {

using torch::Tensor;

constexpr int64_t kSize = 256;

// Patches of some 16 pixels, and a little noise.
Tensor RandomImage() {
  const Tensor coarse = torch::rand({1, 3, kSize / 16, kSize / 16});
  return (torch::upsample_bicubic2d(coarse, {kSize, kSize},
                                    /*align_corners=*/true) +
          0.02 * torch::randn({1, 3, kSize, kSize}))
      .clamp(0, 1);
}

// A driving frame, and what a network that has learnt something makes of it.
struct Pair {
  Tensor real, generated;

  explicit Pair(uint64_t seed) {
    torch::manual_seed(seed);
    real = RandomImage();
    generated = 0.9 * real + 0.1 * RandomImage();
  }
};

struct LossAndGradient {
  Tensor loss, gradient;
};

LossAndGradient Compute(losses::PerceptualLoss& loss, const Pair& pair,
                        TrainingConfig::Precision precision) {
  const Tensor generated = pair.generated.detach().requires_grad_();
  Tensor total;
  {
    const AutocastScope autocast(precision, torch::kCPU);
    total = loss(pair.real, generated).total;
  }
  total.backward();
  return {total.detach(), generated.grad()};
}

std::string Difference(const LossAndGradient& ours,
                       const LossAndGradient& expected) {
  const auto relative = [](const Tensor& x, const Tensor& y) {
    return ((x - y).norm() / y.norm()).item<double>();
  };
  return absl::StrFormat("loss differs by %.2g, its gradient by %.2g",
                         relative(ours.loss, expected.loss),
                         relative(ours.gradient, expected.gradient));
}

void BM_Perceptual(benchmark::State& state, TrainingConfig::Precision precision,
                   uint64_t seed) {
  torch::manual_seed(0);
  losses::PerceptualLoss loss((losses::PerceptualOptions()));
  const Pair pair(seed);
  const LossAndGradient ours = Compute(loss, pair, precision);
  state.SetLabel(Difference(
      ours, Compute(loss, Pair(/*seed=*/1), TrainingConfig::FLOAT32)));
  for (auto _ : state) Compute(loss, pair, precision);
}
BENCHMARK_CAPTURE(BM_Perceptual, float32, TrainingConfig::FLOAT32, 1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Perceptual, bfloat16, TrainingConfig::BFLOAT16, 1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Perceptual, another_pair, TrainingConfig::FLOAT32, 2)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  pipelines::KeepFreedMemory();  // as train does
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
