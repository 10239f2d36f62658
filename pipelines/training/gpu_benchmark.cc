// Animated frames and training steps of the full-width model at 256x256 on the
// first CUDA device.
//
//   LIBTORCH=pip:2.11.0 tools/bazelw run --config=cuda
//       //pipelines/training:gpu_benchmark
//
// BM_Frames: batch is the number of frames computed together, from one source;
// items are frames. A frame is all that is computed from a driving frame on the
// device: keypoints, motion, painting, and not its copies from and to the host.
// graph: 1, all of it is recorded and replayed as a CUDA graph.
// p95 is of the passes of one row.
//
// BM_Step: a training step of vox-256, from batches in page-locked memory to
// the optimizer's end; items are pairs of frames. With base:1 without SAM and
// DINO. A table says where the time goes in steps that wait for the device at
// each stage.
//
// precision: 0 float32, 1 TF32, 2 bfloat16 by autocast, 3 float16 by autocast.
// Random weights and images, as in training_benchmark.
#include <benchmark/benchmark.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "networks/channels_last.h"
#include "networks/recorded_call.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/config/config.h"
#include "pipelines/data/loader.h"
#include "pipelines/model/autocast.h"
#include "pipelines/model/model.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/stage_timer.h"

namespace pipelines {
namespace {

using torch::Tensor;

constexpr char kConfig[] = "pipelines/config/shipped/vox-256.textproto";
constexpr int64_t kSize = 256;

enum Numbers { kFloat32, kTf32, kBfloat16, kFloat16 };
constexpr const char* kNames[] = {"FLOAT32", "FLOAT32", "BFLOAT16", "FLOAT16"};

TrainingConfig::Precision AutocastOf(Numbers numbers) {
  switch (numbers) {
    case kBfloat16:
      return TrainingConfig::BFLOAT16;
    case kFloat16:
      return TrainingConfig::FLOAT16;
    default:
      return TrainingConfig::FLOAT32;
  }
}

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The model, a prepared source and a batch of driving frames on the device.
class Scene {
 public:
  Scene(int64_t batch, Numbers numbers, bool channels_last)
      : precision_(AutocastOf(numbers)) {
    torch::manual_seed(0);
    const Config config = *LoadConfig(kConfig, {});
    model_ = *AnimationModel::Create(config.model());
    model_->to(torch::kCUDA);
    model_->eval();
    if (channels_last) networks::PutChannelsLast(*model_);
    const auto images = [&](int64_t count) {
      const Tensor x = torch::rand({count, 3, kSize, kSize}).cuda();
      return channels_last ? x.contiguous(torch::MemoryFormat::ChannelsLast)
                           : x;
    };
    source_ = model_->PrepareSource(images(1));
    driving_ = images(batch);
    // An untrained detector sees the same keypoints everywhere: move them.
    offset_ =
        (0.1 * torch::randn({batch, source_.keypoints.size(1), 2})).cuda();
  }

  Tensor Frames() {
    return recorded_ ? (*recorded_)({driving_})[0] : Compute(driving_);
  }

  void Record() {
    recorded_.emplace(
        [this](const std::vector<Tensor>& driving) {
          return std::vector<Tensor>{Compute(driving[0])};
        },
        std::vector<Tensor>{driving_});
  }

 private:
  Tensor Compute(const Tensor& driving) {
    const Motion motion =
        model_->Move(source_, model_->DetectKeypoints(driving) + offset_);
    const AutocastScope autocast(precision_, torch::kCUDA);
    return model_->Paint(source_, motion).prediction;
  }

  TrainingConfig::Precision precision_;
  std::shared_ptr<AnimationModel> model_;
  Tensor driving_, offset_;
  PreparedSource source_;
  std::optional<networks::RecordedCall> recorded_;
};

bool SkipWithoutGpu(benchmark::State& state) {
  if (torch::cuda::is_available()) return false;
  state.SkipWithError("there is no CUDA device here");
  return true;
}

void BM_Frames(benchmark::State& state) {
  if (SkipWithoutGpu(state)) return;
  const torch::NoGradGuard no_grad;
  const auto numbers = static_cast<Numbers>(state.range(1));
  AllowTf32(numbers != kFloat32);
  try {
    Scene scene(state.range(0), numbers, state.range(2) != 0);
    // cuDNN's first calls, and the allocator's.
    for (int i = 0; i < 3; ++i) scene.Frames();
    if (state.range(3) != 0) scene.Record();
    torch::cuda::synchronize();
    std::vector<double> seconds;
    for (auto _ : state) {
      const double start = Now();
      benchmark::DoNotOptimize(scene.Frames());
      torch::cuda::synchronize();
      seconds.push_back(Now() - start);
    }
    std::sort(seconds.begin(), seconds.end());
    state.counters["p95_ms"] = 1e3 * seconds[seconds.size() * 95 / 100];
    state.SetItemsProcessed(state.iterations() * state.range(0));
  } catch (const c10::Error& error) {
    state.SkipWithError(error.what_without_backtrace());
  }
}
BENCHMARK(BM_Frames)
    ->ArgNames({"batch", "precision", "channels_last", "graph"})
    ->ArgsProduct({{8, 1, 32}, {kTf32, kBfloat16, kFloat32}, {0, 1}, {0, 1}})
    ->Args({8, kFloat16, 1, 0})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(1);

data::Batch RandomBatch(int64_t size) {
  const auto images = [size] {
    return torch::rand({size, 3, kSize, kSize}).pin_memory();
  };
  return {images(), images(), std::vector<std::string>(size), {}};
}

std::unique_ptr<Learner> NewLearner(const benchmark::State& state) {
  const auto numbers = static_cast<Numbers>(state.range(1));
  std::vector<std::string> overrides = {
      absl::StrCat("training.batch_size=", state.range(0)),
      absl::StrCat("training.precision=", kNames[numbers]),
      absl::StrCat("training.channels_last=",
                   state.range(2) != 0 ? "true" : "false"),
      "training.background_start_epoch=0",
      "losses.perceptual.weights=",
      "losses.perceptual.untrained=true",
      "losses.semantic.weights=",
      "losses.semantic.untrained=true",
      "losses.structure.weights=",
      "losses.structure.untrained=true"};
  if (state.range(3) != 0) {
    overrides.insert(overrides.end(),
                     {"losses.semantic.weight=0", "losses.structure.weight=0"});
  }
  auto learner =
      Learner::Create(*LoadConfig(kConfig, overrides), torch::kCUDA, nullptr);
  if (!learner.ok()) {
    std::fprintf(stderr, "%s\n", learner.status().ToString().c_str());
    return nullptr;
  }
  (*learner)->model().train();
  return *std::move(learner);
}

void BM_Step(benchmark::State& state) {
  if (SkipWithoutGpu(state)) return;
  AllowTf32(state.range(1) != kFloat32);
  try {
    const std::unique_ptr<Learner> learner = NewLearner(state);
    if (learner == nullptr) return state.SkipWithError("see above");
    const std::vector<data::Batch> batches = {RandomBatch(state.range(0))};
    int64_t step = 0;
    const auto take = [&](StageTimer& timer) {
      return learner->Step(batches, step++, {}, timer).ok();
    };
    // A step with SAM and DINO takes some ten seconds.
    const int rounds = state.range(3) != 0 ? 3 : 1;
    StageTimer unused;
    for (int i = 0; i < rounds; ++i) take(unused);
    for (auto _ : state) {
      if (!take(unused)) return state.SkipWithError("a loss is not finite");
    }
    StageTimer timer([] { torch::cuda::synchronize(); });
    for (int i = 0; i < rounds; ++i) take(timer);
    timer.End();
    std::fprintf(stderr, "%s\n", timer.Table(rounds).c_str());
    state.SetItemsProcessed(state.iterations() * state.range(0));
  } catch (const c10::Error& error) {
    state.SkipWithError(error.what_without_backtrace());
  }
}
BENCHMARK(BM_Step)
    ->ArgNames({"batch", "precision", "channels_last", "base"})
    ->ArgsProduct({{28}, {kTf32, kBfloat16}, {0, 1}, {1}})
    ->Args({4, kBfloat16, 0, 0})
    ->Args({28, kBfloat16, 0, 0})
    ->Args({28, kFloat32, 0, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(1);

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
