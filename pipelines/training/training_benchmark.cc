// One training step and one animated frame, at the demo's size and at the
// paper's full width.
//
//   tools/bazelw run //pipelines/training:training_benchmark
//   tools/bazelw run //pipelines/training:training_benchmark --
//       --benchmark_filter=BM_TrainingProfile/config:2
//
// BM_TrainingMemory is the memory of a step. BM_TrainingProfile prints the time
// of a step by stage and the processor time of all threads by operator.
//
// Random weights and images: no time depends on their values but the number of
// iterations of the CPAB fit, which random keypoints make larger than trained
// ones do. The label of a training step has the share of motion inference.
#include <benchmark/benchmark.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "absl/strings/str_format.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/base/peak_memory.h"
#include "pipelines/config/config.h"
#include "pipelines/model/model.h"
#include "pipelines/model/operator_profile.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/training/objective.h"
#include "pipelines/training/stage_timer.h"

namespace pipelines {
namespace {

const char* const kConfigs[] = {"demo",    "actions-64", "vox-256",
                                "vox-256", "vox-256",    "vox-256"};
// The indices in it of vox-256 with training.fast_convolutions, in bfloat16,
// and with training.recompute.
constexpr int kFast = 3;
constexpr int kBfloat16 = 4;
constexpr int kRecompute = 5;

Config LoadShipped(int index) {
  std::vector<std::string> overrides;
  if (index >= 2) {
    // The base model's losses; the published VGG-19's size, without its
    // weights.
    overrides = {"losses.perceptual.weights=",
                 "losses.perceptual.untrained=true", "losses.semantic.weight=0",
                 "losses.structure.weight=0", "training.batch_size=1"};
  }
  if (index == kFast) {
    overrides.push_back("training.fast_convolutions=true");
  }
  if (index == kBfloat16) overrides.push_back("training.precision=BFLOAT16");
  if (index == kRecompute) overrides.push_back("training.recompute=true");
  return *LoadConfig(
      absl::StrFormat("pipelines/config/shipped/%s.textproto", kConfigs[index]),
      overrides);
}

torch::Tensor RandomImages(int64_t batch, const Config& config) {
  return torch::rand({batch, 3, config.data().height(), config.data().width()});
}

// A model in training on random images.
class Training {
 public:
  // `batch`: 0 for the config's own.
  Training(int config, int64_t batch)
      : config_(LoadShipped(config)),
        objective_(*Objective::Create(config_, torch::kCPU)) {
    torch::manual_seed(0);
    model_ = *AnimationModel::Create(config_.model());
    model_->train();
    adam_ =
        std::make_unique<Adam>(*model_, AdamOptions{0.5, 0.999, 1e-8, 1e-4});
    batch_ = batch > 0 ? batch : config_.training().batch_size();
    source_ = RandomImages(batch_, config_);
    driving_ = RandomImages(batch_, config_);
  }

  // `begin` is told when a part begins.
  void Step(StageTimer& timer,
            const std::function<void(const char*)>& begin = {}) {
    const auto tell = [&](const char* part) {
      if (begin) begin(part);
    };
    tell("forward");
    StepOutput out =
        objective_(*model_, source_, driving_, {step_++, 100}, timer);
    timer.Begin("backward");
    tell("backward");
    adam_->ZeroGrad();
    out.total.backward();
    timer.Begin("optimizer");
    tell("optimizer");
    adam_->Step(2e-4);
    timer.End();
  }

  int64_t batch() const { return batch_; }

 private:
  const Config config_;
  Objective objective_;
  std::shared_ptr<AnimationModel> model_;
  std::unique_ptr<Adam> adam_;
  int64_t batch_;
  torch::Tensor source_, driving_;
  int64_t step_ = 0;
};

// Arguments: config, batch size (0: the config's own).
void BM_TrainingStep(benchmark::State& state) {
  Training training(state.range(0), state.range(1));
  StageTimer timer, total;
  for (auto _ : state) {
    total.Begin("step");
    training.Step(timer);
    total.End();
  }
  state.SetItemsProcessed(state.iterations() * training.batch());
  state.SetLabel(absl::StrFormat(
      "%s, batch %d, motion inference %.1f %%", kConfigs[state.range(0)],
      static_cast<int>(training.batch()),
      100 * timer.Seconds("motion inference") / total.Seconds("step")));
}
BENCHMARK(BM_TrainingStep)
    ->ArgNames({"config", "batch"})
    ->Args({0, 0})
    ->Args({1, 1})
    ->Args({1, 0})
    ->Args({2, 1})
    ->Args({kFast, 1})
    ->Args({kBfloat16, 1})
    ->Args({kRecompute, 1})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->MinTime(2);

// The most memory that the process held after a step, beyond what it held
// before it had a model; true only of the first row of a process.
void BM_TrainingMemory(benchmark::State& state) {
  for (auto _ : state) {
    const double before = PeakMemoryMb();
    Training training(state.range(0), state.range(1));
    StageTimer timer;
    training.Step(timer);
    state.counters["MB"] = PeakMemoryMb() - before;
  }
}
BENCHMARK(BM_TrainingMemory)
    ->ArgNames({"config", "batch"})
    ->Args({2, 1})
    ->Args({kRecompute, 1})
    ->Args({2, 4})
    ->Args({kRecompute, 4})
    ->Iterations(1);

void BM_TrainingProfile(benchmark::State& state) {
  Training training(state.range(0), state.range(1));
  StageTimer warm_up, timer;
  training.Step(warm_up);
  OperatorProfile profile;
  for (auto _ : state) {
    training.Step(timer, [&](const char* part) { profile.BeginStage(part); });
    profile.BeginStage("between steps");
  }
  const auto steps = static_cast<int64_t>(state.iterations());
  std::printf("%s, a step of batch %d, by stage:\n%s", kConfigs[state.range(0)],
              static_cast<int>(training.batch()),
              timer.Table(static_cast<int>(steps)).c_str());
  std::printf("by part:\n%s",
              OperatorProfile::Table(profile.by_stage(), steps, 10).c_str());
  std::printf("by operator:\n%s",
              OperatorProfile::Table(profile.by_operator(), steps, 32).c_str());
  std::printf("by operator and size:\n%s\n",
              OperatorProfile::Table(profile.by_size(), steps, 60).c_str());
}
BENCHMARK(BM_TrainingProfile)
    ->ArgNames({"config", "batch"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({2, 1})
    ->Args({kFast, 1})
    ->Args({kBfloat16, 1})
    ->Iterations(3);

// The frames of a source [1, 3, H, W] for keypoints [B, P, 2].
torch::Tensor Animate(AnimationModel& model, const PreparedSource& source,
                      const torch::Tensor& keypoints) {
  return model.Paint(source, model.Move(source, keypoints)).prediction;
}

// The same by LibTorch's own operators, which autograd selects.
torch::Tensor AnimateByOperators(AnimationModel& model,
                                 const torch::Tensor& source,
                                 const torch::Tensor& keypoints) {
  const torch::AutoGradMode with_grad(true);
  return Animate(
      model, model.LocateSource(source.expand({keypoints.size(0), -1, -1, -1})),
      keypoints);
}

// Arguments: config, frames computed together. The label has the largest
// difference of a pixel, in 255ths, from the same networks on LibTorch's
// operators.
void BM_AnimatedFrame(benchmark::State& state) {
  const Config config = LoadShipped(state.range(0));
  const torch::NoGradGuard no_grad;
  torch::manual_seed(0);
  auto model = *AnimationModel::Create(config.model());
  model->eval();
  const PreparedSource source = model->PrepareSource(RandomImages(1, config));
  const int64_t batch = state.range(1);
  const torch::Tensor driving = RandomImages(batch, config);
  // An untrained detector sees the same keypoints everywhere: move them.
  const torch::Tensor offset =
      0.1 * torch::randn({batch, source.keypoints.size(1), 2});
  // The first frame prepares the weights for the kernels of inference.
  const torch::Tensor keypoints = model->DetectKeypoints(driving) + offset;
  const double difference =
      (Animate(*model, source, keypoints) -
       AnimateByOperators(*model, source.image, keypoints))
          .abs()
          .max()
          .item<double>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        Animate(*model, source, model->DetectKeypoints(driving) + offset));
  }
  state.SetItemsProcessed(state.iterations() * batch);
  state.SetLabel(absl::StrFormat("%s, differs by %.4f / 255",
                                 kConfigs[state.range(0)], 255 * difference));
}
BENCHMARK(BM_AnimatedFrame)
    ->ArgNames({"config", "batch"})
    ->Args({0, 1})
    ->Args({0, 8})
    ->Args({2, 1})
    ->Args({2, 4})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(2);

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  pipelines::KeepFreedMemory();  // as train does
  if (!pipelines::SetThreads(0).ok()) return 1;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
