// The products of the kernels of each instruction set that this processor has,
// on one thread and without LibTorch.
//
//   tools/bazelw run //networks/cpu:products_benchmark
//
// "cached" multiplies again and again what lies in the first-level cache: the
// peak. "layer" are the products of a convolution from 512 to 512 channels by
// Winograd's method: 36 positions of 16 or 64 tiles, whose weights are read
// from memory in passing.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "networks/cpu/bfloat16_kernels.h"
#include "networks/cpu/instructions.h"
#include "networks/cpu/kernels.h"

namespace networks::cpu {
namespace {

void CountOperations(benchmark::State& state, double operations) {
  state.counters["Gop/s"] = benchmark::Counter(
      1e-9 * operations * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}

template <typename Factor, typename AnyKernels>
void BM_Cached(benchmark::State& state, const AnyKernels* kernels) {
  constexpr int64_t kRows = 96, kDepth = 64;
  const int64_t width = kernels->panel_width;
  const std::vector<Factor> a(kRows * kDepth), b(kDepth * width);
  std::vector<float> c(kRows * width);
  for (auto _ : state) {
    kernels->multiply(a.data(), kDepth, b.data(), c.data(), width, kRows,
                      kDepth);
    benchmark::ClobberMemory();
  }
  CountOperations(state, 2.0 * kRows * kDepth * static_cast<double>(width));
}

template <typename Factor, typename AnyKernels>
void BM_Layer(benchmark::State& state, const AnyKernels* kernels) {
  constexpr int64_t kChannels = 512, kStride = kChannels + 32;
  const int64_t tiles = state.range(0), width = kernels->panel_width;
  const std::vector<Factor> a(kTilePositions * tiles * kStride);
  const std::vector<Factor> b(kTilePositions * kChannels * kChannels);
  std::vector<float> c(tiles * kStride);
  for (auto _ : state) {
    const Factor* panel = b.data();
    for (int64_t p = 0; p < kTilePositions; ++p) {
      for (int64_t j = 0; j < kChannels; j += width) {
        kernels->multiply(a.data() + p * tiles * kStride, kStride, panel,
                          c.data() + j, kStride, tiles, kChannels);
        panel += kChannels * width;
      }
    }
    benchmark::ClobberMemory();
  }
  CountOperations(state, 2.0 * kTilePositions * static_cast<double>(tiles) *
                             kChannels * kChannels);
}

template <typename Factor, typename AnyKernels>
void RegisterFor(const AnyKernels* kernels) {
  if (kernels == nullptr) return;
  const std::string name = kernels->name;
  benchmark::RegisterBenchmark((name + "/cached").c_str(),
                               BM_Cached<Factor, AnyKernels>, kernels);
  benchmark::RegisterBenchmark((name + "/layer").c_str(),
                               BM_Layer<Factor, AnyKernels>, kernels)
      ->ArgName("tiles")
      ->Arg(16)
      ->Arg(64)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace networks::cpu

int main(int argc, char** argv) {
  using networks::cpu::Bfloat16Bits;
  benchmark::AddCustomContext("Processor has",
                              networks::cpu::InstructionsOfProcessor());
  networks::cpu::RegisterFor<float>(networks::cpu::Avx2Kernels());
  networks::cpu::RegisterFor<float>(networks::cpu::Avx512Kernels());
  networks::cpu::RegisterFor<Bfloat16Bits>(
      networks::cpu::Avx512Bfloat16Kernels());
  networks::cpu::RegisterFor<Bfloat16Bits>(networks::cpu::AmxBfloat16Kernels());
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
