// Time of the networks in inference, at the original's full width at 256x256
// and at the width of the bundled demo at 64x64.
//
//   tools/bazelw run //networks:networks_benchmark -- --benchmark_filter=full
//
// One iteration is one frame, batch 1. The first column is the time that
// passes, the second the processor time of all threads, which tells more on a
// machine that does other work too. Threads: OMP_NUM_THREADS, or all cores.
#include <c10/core/InferenceMode.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/resnet.h"
#include "networks/sampling.h"

namespace networks {
namespace {

using torch::Tensor;

struct Size {
  int64_t image;
  int64_t block_expansion;
  int64_t max_features;  // of the inpainting network
  int64_t num_transforms;
  int64_t motion_max_features;
  int64_t num_blocks;
};

constexpr Size kFull = {256, 64, 512, 10, 1024, 5};
constexpr Size kDemo = {64, 16, 128, 5, 128, 3};

// A frame's smooth motion, so that lookups are as local as in real use.
Tensor MakeDeformation(int64_t batch, int64_t size) {
  const Tensor smooth =
      ResizeBilinear(torch::rand({batch, 2, 4, 4}) - 0.5, size, size);
  return CoordinateGrid(size, size, torch::kFloat32) +
         0.3 * smooth.permute({0, 2, 3, 1});
}

std::vector<Tensor> MakeOcclusionMaps(int64_t image) {
  std::vector<Tensor> maps;
  for (int level = 3; level >= 0; --level) {
    maps.push_back(torch::rand({1, 1, image >> level, image >> level}));
  }
  return maps;
}

Tensor InFormat(const Tensor& x, bool nhwc) {
  return x.contiguous(nhwc ? torch::MemoryFormat::ChannelsLast
                           : torch::MemoryFormat::Contiguous);
}

void SetThreads() {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    torch::set_num_threads(std::thread::hardware_concurrency());
  }
}

InpaintingNetwork MakeInpainting(const Size& size) {
  InpaintingOptions options;
  options.block_expansion = size.block_expansion;
  options.max_features = size.max_features;
  return InpaintingNetwork(options);
}

void BM_EncodeSource(benchmark::State& state, Size size, bool nhwc) {
  SetThreads();
  torch::InferenceMode inference;
  InpaintingNetwork network = MakeInpainting(size);
  network->eval();
  const Tensor source =
      InFormat(torch::rand({1, 3, size.image, size.image}), nhwc);
  network->EncodeSource(source);  // prepares weights, once
  for (auto _ : state) network->EncodeSource(source);
}

void BM_Render(benchmark::State& state, Size size, bool nhwc) {
  SetThreads();
  torch::InferenceMode inference;
  InpaintingNetwork network = MakeInpainting(size);
  network->eval();
  const SourceFeatures features = network->EncodeSource(
      InFormat(torch::rand({1, 3, size.image, size.image}), nhwc));
  const Tensor source_from_driving = MakeDeformation(1, size.image / 4);
  const std::vector<Tensor> occlusion = MakeOcclusionMaps(size.image);
  network->Render(features, source_from_driving, occlusion);
  for (auto _ : state)
    network->Render(features, source_from_driving, occlusion);
}

void BM_DenseMotion(benchmark::State& state, Size size, bool nhwc) {
  SetThreads();
  torch::InferenceMode inference;
  DenseMotionOptions options;
  options.num_transforms = size.num_transforms;
  options.block_expansion = size.block_expansion;
  options.max_features = size.motion_max_features;
  options.num_blocks = size.num_blocks;
  DenseMotionNetwork network(options);
  network->eval();
  const int64_t small = size.image / 4;
  const Tensor source = InFormat(torch::rand({1, 3, small, small}), nhwc);
  const Tensor heatmaps = InFormat(
      torch::rand({1, options.num_keypoints() + 1, small, small}), nhwc);
  const Tensor candidates =
      MakeDeformation(options.num_candidates(), small).unsqueeze(0);
  network(source, heatmaps, candidates);
  for (auto _ : state) network(source, heatmaps, candidates);
}

void BM_ResNet18(benchmark::State& state, Size size, bool nhwc) {
  SetThreads();
  torch::InferenceMode inference;
  ResNet18 network(3, 10 * size.num_transforms);
  network->eval();
  const Tensor image =
      InFormat(torch::rand({1, 3, size.image, size.image}), nhwc);
  network(image);
  for (auto _ : state) network(image);
}

#define BENCHMARK_SIZES(function)                      \
  BENCHMARK_CAPTURE(function, full_nchw, kFull, false) \
      ->Unit(benchmark::kMillisecond)                  \
      ->MeasureProcessCPUTime()                        \
      ->UseRealTime();                                 \
  BENCHMARK_CAPTURE(function, full_nhwc, kFull, true)  \
      ->Unit(benchmark::kMillisecond)                  \
      ->MeasureProcessCPUTime()                        \
      ->UseRealTime();                                 \
  BENCHMARK_CAPTURE(function, demo_nchw, kDemo, false) \
      ->Unit(benchmark::kMillisecond)                  \
      ->MeasureProcessCPUTime()                        \
      ->UseRealTime();                                 \
  BENCHMARK_CAPTURE(function, demo_nhwc, kDemo, true)  \
      ->Unit(benchmark::kMillisecond)                  \
      ->MeasureProcessCPUTime()                        \
      ->UseRealTime()

BENCHMARK_SIZES(BM_EncodeSource);
BENCHMARK_SIZES(BM_Render);
BENCHMARK_SIZES(BM_DenseMotion);
BENCHMARK_SIZES(BM_ResNet18);

}  // namespace
}  // namespace networks
