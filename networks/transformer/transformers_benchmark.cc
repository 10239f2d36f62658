// Time and memory of DINO and SAM at the sizes that training uses them.
//
//   tools/bazelw run //networks/transformer:transformers_benchmark --
//       --benchmark_filter=BM_DinoForward/size:480
//
// One iteration is one image. The first column is the time that passes, the
// second the processor time of all threads, which tells more on a machine that
// does other work too. peak_MB is the largest memory that the process has had
// so far: run a benchmark alone (by the filter) for its own. Weights are
// random, which makes no difference. Threads: OMP_NUM_THREADS, or all cores.
//
// bf16:1 multiplies the linear layers in bfloat16; `deviation` is the largest
// difference of its output from float32's over the largest output.
#include <sys/resource.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "benchmark/benchmark.h"
#include "networks/dino/heads.h"
#include "networks/dino/vision_transformer.h"
#include "networks/sam/image_encoder.h"
#include "networks/sam/options.h"
#include "networks/sam/sam.h"
#include "networks/sam/tiny_vit.h"
#include "networks/transformer/attention.h"
#include "networks/transformer/feed_forward.h"

namespace networks {
namespace {

using torch::Tensor;

double PeakMegabytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void SetThreads() {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    torch::set_num_threads(
        static_cast<int>(std::thread::hardware_concurrency()));
  }
}

double Deviation(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).abs().max() / expected.abs().max())
      .item<double>();
}

dino::VisionTransformer FrozenDino(const std::string& model) {
  SetThreads();
  torch::manual_seed(1);
  dino::VisionTransformer network(*dino::VisionTransformerByName(model));
  for (Tensor parameter : network->parameters()) {
    parameter.requires_grad_(false);
  }
  return network;
}

Tensor SelfSimilarityOf(dino::VisionTransformer& network, const Tensor& image) {
  const Tensor keys = network->Extract(image, dino::FeatureRequest());
  return dino::SelfSimilarity(dino::ConcatenateHeads(keys).to(torch::kFloat32));
}

// ViT-B/8, keys of the last layer and their self-similarity.
void BM_DinoForward(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  dino::VisionTransformer network = FrozenDino("vitb8");
  const Tensor image = torch::randn({1, 3, state.range(0), state.range(0)});
  if (state.range(1) != 0) {
    const Tensor expected = SelfSimilarityOf(network, image);
    transformer::MultiplyIn(torch::kBFloat16, *network);
    state.counters["deviation"] =
        Deviation(SelfSimilarityOf(network, image), expected);
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(SelfSimilarityOf(network, image));
  }
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(BM_DinoForward)
    ->ArgNames({"size", "bf16"})
    ->ArgsProduct({{224, 480}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// The same with the gradient to the image.
void BM_DinoForwardBackward(benchmark::State& state) {
  dino::VisionTransformer network = FrozenDino("vitb8");
  if (state.range(1) != 0) {
    transformer::MultiplyIn(torch::kBFloat16, *network);
  }
  const Tensor image = torch::randn({1, 3, state.range(0), state.range(0)});
  for (auto _ : state) {
    const Tensor leaf = image.clone().requires_grad_();
    SelfSimilarityOf(network, leaf).square().mean().backward();
    Tensor gradient = leaf.grad();
    benchmark::DoNotOptimize(gradient);
  }
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(BM_DinoForwardBackward)
    ->ArgNames({"size", "bf16"})
    ->ArgsProduct({{224, 480}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// What the structure loss takes of each network for an image at 224 x 224:
// the keys of the last layer, their self-similarity and its gradient to the
// image.
void BM_StructureNetwork(benchmark::State& state, const char* model) {
  dino::VisionTransformer network = FrozenDino(model);
  const Tensor image = torch::randn({1, 3, 224, 224});
  for (auto _ : state) {
    const Tensor leaf = image.clone().requires_grad_();
    SelfSimilarityOf(network, leaf).square().mean().backward();
    Tensor gradient = leaf.grad();
    benchmark::DoNotOptimize(gradient);
  }
  state.counters["peak_MB"] = PeakMegabytes();
}

#define STRUCTURE_NETWORK(model)                        \
  BENCHMARK_CAPTURE(BM_StructureNetwork, model, #model) \
      ->Unit(benchmark::kMillisecond)                   \
      ->MeasureProcessCPUTime()                         \
      ->UseRealTime()
STRUCTURE_NETWORK(vits16);
STRUCTURE_NETWORK(vits14);
STRUCTURE_NETWORK(vits14_reg);
STRUCTURE_NETWORK(vits8);
STRUCTURE_NETWORK(vitb16);
STRUCTURE_NETWORK(vitb14);
STRUCTURE_NETWORK(vitb14_reg);
STRUCTURE_NETWORK(vitb8);
#undef STRUCTURE_NETWORK

// Encodes images of state.range(0) by `encoder`, in bfloat16 by state.range(1).
template <typename Encoder>
void EncodeImages(benchmark::State& state, Encoder& encoder) {
  const Tensor image = torch::randn({1, 3, state.range(0), state.range(0)});
  if (state.range(1) != 0) {
    const Tensor expected = encoder->forward(image);
    transformer::MultiplyIn(torch::kBFloat16, *encoder);
    state.counters["deviation"] = Deviation(encoder->forward(image), expected);
  }
  for (auto _ : state) benchmark::DoNotOptimize(encoder->forward(image));
  state.counters["peak_MB"] = PeakMegabytes();
}

// SAM ViT-B's image encoder.
void BM_SamImageEncoder(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  SetThreads();
  torch::manual_seed(1);
  sam::ImageEncoder encoder(sam::SamByName("vit_b")->image_encoder);
  EncodeImages(state, encoder);
}
BENCHMARK(BM_SamImageEncoder)
    ->ArgNames({"size", "bf16"})
    ->ArgsProduct({{512, 1024}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// MobileSAM's image encoder.
void BM_MobileSamImageEncoder(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  SetThreads();
  torch::manual_seed(1);
  sam::TinyVit encoder((sam::TinyVitOptions()));
  EncodeImages(state, encoder);
}
BENCHMARK(BM_MobileSamImageEncoder)
    ->ArgNames({"size", "bf16"})
    ->ArgsProduct({{512, 1024}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// Prompt encoder and decoder's transformer for 50 points of an image at 1024,
// with the gradient to the points, as the keypoint semantic loss has it.
void BM_SamPointFeatures(benchmark::State& state) {
  SetThreads();
  torch::manual_seed(1);
  sam::SamOptions options = *sam::SamByName("vit_b");
  options.image_encoder.depth = 0;  // takes no part
  sam::Sam network(options);
  for (Tensor parameter : network->parameters()) {
    parameter.requires_grad_(false);
  }
  constexpr int64_t kPoints = 50;
  const int64_t per_prompt = state.range(0);
  const bool backward = state.range(1) != 0;
  const Tensor embedding = torch::randn({1, 256, 64, 64});
  const Tensor places = torch::rand({kPoints / per_prompt, per_prompt, 2});
  sam::Prompts prompts;
  prompts.labels =
      torch::ones({kPoints / per_prompt, per_prompt}, torch::kInt64);
  for (auto _ : state) {
    prompts.points = (1024 * places).requires_grad_(backward);
    Tensor features = network->PointFeatures(embedding, prompts, 1024);
    if (backward) features.abs().mean().backward();
    benchmark::DoNotOptimize(features);
  }
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(BM_SamPointFeatures)
    ->ArgNames({"per_prompt", "backward"})
    ->ArgsProduct({{1, 5, 50}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// Prompt encoder and mask decoder for 50 points, each a prompt of its own, as
// for segmenting whatever is at each of them.
void BM_SamMasks(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  SetThreads();
  torch::manual_seed(1);
  sam::SamOptions options = *sam::SamByName("vit_b");
  options.image_encoder.depth = 0;  // takes no part
  sam::Sam network(options);
  const Tensor embedding = torch::randn({1, 256, 64, 64});
  sam::Prompts prompts;
  prompts.points = 1024 * torch::rand({50, 1, 2});
  prompts.labels = torch::ones({50, 1}, torch::kInt64);
  for (auto _ : state) {
    benchmark::DoNotOptimize(network->Segment(embedding, prompts, 1024));
  }
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(BM_SamMasks)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// One global attention of SAM ViT-B, for the size of a block of scores.
void BM_Attention(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  SetThreads();
  const int64_t heads = 12, side = state.range(0), depth = 64;
  const int64_t tokens = side * side;
  const auto random = [&](int64_t channels) {
    return torch::randn({heads, tokens, channels});
  };
  const Tensor query = random(depth), key = random(depth),
               value = random(depth);
  const transformer::DecomposedBias bias{random(side), random(side)};
  for (auto _ : state) {
    benchmark::DoNotOptimize(transformer::AttendInBlocks(
        query, key, value, 0.125, bias, int64_t{1} << state.range(1)));
  }
}
BENCHMARK(BM_Attention)
    ->ArgNames({"side", "log2_scores"})
    ->ArgsProduct({{64}, {18, 20, 22, 24}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace networks
