// The products of the kernels of each instruction set that this processor has,
// on one thread and without LibTorch.
//
//   tools/bazelw run //networks/cpu:products_benchmark
//
// "cached" multiplies again and again what lies in the first-level cache: the
// peak. "layer" are the products of a 3x3 convolution by Winograd's method, of
// as many input as output channels, on an image of so many tiles of 4x4 pixels:
// 36 positions of the tiles, whose weights are read from memory in passing.
// "direct layer" are those of the same convolution by the direct method, 144 a
// tile: compare the times, and not the operations a second.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "networks/cpu/bfloat16_kernels.h"
#include "networks/cpu/instructions.h"
#include "networks/cpu/int8_products.h"
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

// Tiles that pass the weights together, as in winograd_job.h.
constexpr int64_t kTilesTogether = 96;

template <typename Left, typename Right, typename Sum, typename AnyKernels>
void BM_Layer(benchmark::State& state, const AnyKernels* kernels) {
  const int64_t channels = state.range(0), tiles = state.range(1);
  const int64_t stride = channels + 32, width = kernels->panel_width;
  const std::vector<Left> a(kTilePositions * kTilesTogether * stride);
  const std::vector<Right> b(kTilePositions * channels * channels);
  std::vector<Sum> c(kTilePositions * kTilesTogether * stride);
  for (auto _ : state) {
    for (int64_t begin = 0; begin < tiles; begin += kTilesTogether) {
      const int64_t count = std::min(kTilesTogether, tiles - begin);
      const Right* panel = b.data();
      for (int64_t p = 0; p < kTilePositions; ++p) {
        for (int64_t j = 0; j < channels; j += width) {
          const int64_t first = p * count * stride;
          kernels->multiply(a.data() + first, stride, panel,
                            c.data() + first + j, stride, count, channels);
          panel += channels * width;
        }
      }
    }
    benchmark::ClobberMemory();
  }
  CountOperations(state, 2.0 * kTilePositions *
                             static_cast<double>(tiles * channels * channels));
}

void BM_CachedInt8(benchmark::State& state, const Int8Products* products) {
  constexpr int64_t kRows = 96, kDepth = 256;
  const int64_t width = products->panel_width;
  const std::vector<uint8_t> a(kRows * kDepth);
  const std::vector<int8_t> b(kDepth * width);
  std::vector<int32_t> c(kRows * width);
  for (auto _ : state) {
    products->multiply(a.data(), kDepth, b.data(), c.data(), width, kRows,
                       kDepth);
    benchmark::ClobberMemory();
  }
  CountOperations(state, 2.0 * kRows * kDepth * static_cast<double>(width));
}

// In channels_last the three pixels under a row of the kernel are contiguous,
// so nothing is gathered; rounding and the sum of the three rows are left out.
void BM_DirectInt8Layer(benchmark::State& state, const Int8Products* products) {
  constexpr int64_t kPixelsTogether = 384;
  const int64_t channels = state.range(0);
  const int64_t pixels = state.range(1) * kTileOutputs * kTileOutputs;
  const int64_t width = products->panel_width, depth = 3 * channels;
  const std::vector<uint8_t> a((pixels + 2) * channels);
  const std::vector<int8_t> b(3 * depth * channels);
  std::vector<int32_t> c(kPixelsTogether * channels);
  for (auto _ : state) {
    for (int64_t begin = 0; begin < pixels; begin += kPixelsTogether) {
      const int64_t count = std::min(kPixelsTogether, pixels - begin);
      const int8_t* panel = b.data();
      for (int64_t j = 0; j < channels; j += width) {
        for (int row = 0; row < 3; ++row, panel += depth * width) {
          products->multiply(a.data() + begin * channels, channels, panel,
                             c.data() + j, channels, count, depth);
        }
      }
    }
    benchmark::ClobberMemory();
  }
  CountOperations(state,
                  2.0 * 9 * static_cast<double>(pixels * channels * channels));
}

// Those of the inpainting network at full width, and one of few pixels.
void Layers(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"channels", "tiles"})
      ->Args({512, 16})
      ->Args({512, 64})
      ->Args({512, 256})
      ->Args({256, 1024})
      ->Unit(benchmark::kMillisecond);
}

template <typename Factor, typename AnyKernels>
void RegisterFor(const AnyKernels* kernels) {
  if (kernels == nullptr) return;
  const std::string name = kernels->name;
  benchmark::RegisterBenchmark((name + "/cached").c_str(),
                               BM_Cached<Factor, AnyKernels>, kernels);
  benchmark::RegisterBenchmark((name + "/layer").c_str(),
                               BM_Layer<Factor, Factor, float, AnyKernels>,
                               kernels)
      ->Apply(Layers);
}

void RegisterInt8() {
  const Int8Products* const products = Avx512VnniProducts();
  if (products == nullptr) return;
  const std::string name = products->name;
  benchmark::RegisterBenchmark((name + "/cached").c_str(), BM_CachedInt8,
                               products);
  benchmark::RegisterBenchmark((name + "/layer").c_str(),
                               BM_Layer<uint8_t, int8_t, int32_t, Int8Products>,
                               products)
      ->Apply(Layers);
  benchmark::RegisterBenchmark((name + "/direct layer").c_str(),
                               BM_DirectInt8Layer, products)
      ->Apply(Layers);
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
  networks::cpu::RegisterInt8();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
