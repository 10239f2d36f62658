// One animated frame at full width: latency, processor time, memory, and where
// the time goes.
//
//   tools/bazelw run //pipelines/model:frame_benchmark
//   tools/bazelw run //pipelines/model:frame_benchmark --
//       --benchmark_filter='BM_Profile|BM_Peak'
//
// OMP_NUM_THREADS sets the threads; without it, one a core. "CPU" is the
// processor time of all threads in a frame, which other work on the machine
// changes less than the time that passes. p50 and p95 are of the frames of one
// row, one after another, as from a camera. The label has the largest
// difference of a pixel, in 255ths, from the same networks on LibTorch's
// operators in float32.
//
// BM_Memory is the most memory that the process held beyond the weights after
// preparing a source and one frame; true only of the first row of a process.
//
// BM_Profile prints the processor time of a frame by stage, by operator and by
// operator and size, and the operations a second of the kernels. BM_Peak is the
// most that one thread of this processor reaches of these in either precision,
// and reads from memory.
//
// Random weights and images: no time depends on their values but the number of
// iterations of the CPAB fit.
//
// The first lines say which instruction sets the processor has and which
// kernels are used; CPAB_CPU_INSTRUCTIONS limits them
// (networks/cpu/instructions.h).
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <time.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "networks/cpu/bfloat16_kernels.h"
#include "networks/cpu/instructions.h"
#include "networks/cpu/kernels.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/base/peak_memory.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/config/config.h"
#include "pipelines/model/autocast.h"
#include "pipelines/model/model.h"
#include "pipelines/model/operator_profile.h"

namespace pipelines {
namespace {

using torch::Tensor;

// The full-width model, a source and a driving frame of one size.
class Scene {
 public:
  Scene(int64_t size, TrainingConfig::Precision precision)
      : precision_(precision) {
    std::vector<std::string> overrides;
    // Five halvings of a quarter of 64 pixels would leave less than one.
    if (size < 128) overrides = {"model.dense_motion.num_blocks=4"};
    const Config config =
        *LoadConfig("pipelines/config/shipped/vox-256.textproto", overrides);
    torch::manual_seed(0);
    model_ = *AnimationModel::Create(config.model());
    model_->eval();
    source_image_ = torch::rand({1, 3, size, size});
    driving_ = torch::rand({1, 3, size, size});
    source_ = model_->PrepareSource(source_image_);
    // An untrained detector sees the same keypoints everywhere: move them.
    offset_ = 0.1 * torch::randn({1, source_.keypoints.size(1), 2});
    Frame();
  }

  // `begin` is told when a stage begins.
  Tensor Frame(const std::function<void(const char*)>& begin = {}) {
    const auto tell = [&](const char* stage) {
      if (begin) begin(stage);
    };
    tell("detector");
    const Tensor keypoints = model_->DetectKeypoints(driving_) + offset_;
    MoveOptions options;
    options.begin = begin;
    const Motion motion = model_->Move(source_, keypoints, options);
    tell("inpainting");
    const AutocastScope autocast(precision_, torch::kCPU);
    return model_->Paint(source_, motion).prediction;
  }

  // Of a pixel, by LibTorch's operators, which autograd selects.
  double DifferenceFromOperators() {
    const Tensor ours = Frame();
    const torch::AutoGradMode with_grad(true);
    const PreparedSource source = model_->LocateSource(source_image_);
    const Tensor theirs =
        model_
            ->Paint(source,
                    model_->Move(source,
                                 model_->DetectKeypoints(driving_) + offset_))
            .prediction;
    return (ours - theirs).abs().max().item<double>();
  }

  double WeightsMb() const {
    double bytes = 0;
    for (const Tensor& x : model_->parameters()) bytes += x.nbytes();
    return bytes / (1 << 20);
  }

 private:
  TrainingConfig::Precision precision_;
  std::shared_ptr<AnimationModel> model_;
  Tensor source_image_, driving_, offset_;
  PreparedSource source_;
};

double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * (values.size() - 1) + 0.5)];
}

void BM_Frame(benchmark::State& state, TrainingConfig::Precision precision) {
  const torch::NoGradGuard no_grad;
  Scene scene(state.range(0), precision);
  std::vector<double> milliseconds;
  for (auto _ : state) {
    const Stopwatch watch;
    benchmark::DoNotOptimize(scene.Frame());
    milliseconds.push_back(1e3 * watch.Seconds());
  }
  state.counters["p50_ms"] = Quantile(milliseconds, 0.5);
  state.counters["p95_ms"] = Quantile(milliseconds, 0.95);
  if (state.range(0) > 256) return;
  state.SetLabel(absl::StrFormat("differs by %.4f / 255",
                                 255 * scene.DifferenceFromOperators()));
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("size")
      ->Arg(64)
      ->Arg(128)
      ->Arg(256)
      ->Arg(384)
      ->Arg(512)
      ->Unit(benchmark::kMillisecond)
      ->MeasureProcessCPUTime()
      ->UseRealTime()
      ->MinTime(3);
}
BENCHMARK_CAPTURE(BM_Frame, float32, TrainingConfig::FLOAT32)->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Frame, bfloat16, TrainingConfig::BFLOAT16)->Apply(Sizes);

// Of this thread, which other work on the machine does not lengthen.
double ProcessorSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * now.tv_nsec;
}

// The most of `amount` a second in five rounds of `work`.
double BestRate(double amount, const std::function<void()>& work) {
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const double begin = ProcessorSeconds();
    work();
    best = std::max(best, amount / (ProcessorSeconds() - begin));
  }
  return best;
}

// Billions of operations a second of one thread, in products that lie in the
// first-level cache.
template <typename Factor, typename Kernels>
double PeakOfProducts(const Kernels& kernels, int64_t rows) {
  constexpr int64_t kDepth = 128, kRowsInAll = 240000;
  const int64_t width = kernels.panel_width, repetitions = kRowsInAll / rows;
  const std::vector<Factor> a(rows * kDepth), b(kDepth * width);
  std::vector<float> c(rows * width);
  return BestRate(2e-9 * rows * kDepth * width * repetitions, [&] {
    for (int64_t i = 0; i < repetitions; ++i) {
      kernels.multiply(a.data(), kDepth, b.data(), c.data(), width, rows,
                       kDepth);
    }
  });
}

// Billions of bytes a second that one thread reads from memory.
double PeakOfReading() {
  const Tensor large = torch::ones({int64_t{64} << 20});
  return BestRate(1e-9 * large.nbytes(),
                  [&] { benchmark::DoNotOptimize(large.sum()); });
}

void BM_PeakOfProducts(benchmark::State& state) {
  const networks::cpu::Kernels* kernels = networks::cpu::BestKernels();
  if (kernels == nullptr) return state.SkipWithError("no kernels");
  for (auto _ : state) {
    state.counters["Gop/s"] = PeakOfProducts<float>(*kernels, /*rows=*/12);
  }
  state.SetLabel(kernels->name);
}
BENCHMARK(BM_PeakOfProducts)->Iterations(1);

void BM_PeakOfBfloat16Products(benchmark::State& state) {
  using networks::cpu::Bfloat16Bits;
  const auto* kernels = networks::cpu::BestBfloat16Kernels();
  if (kernels == nullptr) return state.SkipWithError("no kernels");
  for (auto _ : state) {
    // Whole blocks of rows of either instruction set.
    state.counters["Gop/s"] =
        PeakOfProducts<Bfloat16Bits>(*kernels, /*rows=*/96);
  }
  state.SetLabel(kernels->name);
}
BENCHMARK(BM_PeakOfBfloat16Products)->Iterations(1);

void BM_PeakOfReading(benchmark::State& state) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  for (auto _ : state) state.counters["GB/s"] = PeakOfReading();
  at::set_num_threads(threads);
}
BENCHMARK(BM_PeakOfReading)->Iterations(1);

void BM_Memory(benchmark::State& state, TrainingConfig::Precision precision) {
  const torch::NoGradGuard no_grad;
  for (auto _ : state) {
    const double before = PeakMemoryMb();
    const Scene scene(256, precision);
    state.counters["beyond_MB"] = PeakMemoryMb() - before - scene.WeightsMb();
  }
}
BENCHMARK_CAPTURE(BM_Memory, float32, TrainingConfig::FLOAT32)->Iterations(1);
BENCHMARK_CAPTURE(BM_Memory, bfloat16, TrainingConfig::BFLOAT16)->Iterations(1);

void BM_Profile(benchmark::State& state, TrainingConfig::Precision precision) {
  const torch::NoGradGuard no_grad;
  Scene scene(256, precision);
  scene.Frame();
  OperatorProfile profile;
  for (auto _ : state) {
    scene.Frame([&](const char* stage) { profile.BeginStage(stage); });
    profile.BeginStage("between frames");
  }
  const int64_t frames = state.iterations();
  std::printf("%s, a frame of 256x256, by stage:\n%s",
              TrainingConfig::Precision_Name(precision).c_str(),
              OperatorProfile::Table(profile.by_stage(), frames, 10).c_str());
  std::printf(
      "by operator:\n%s",
      OperatorProfile::Table(profile.by_operator(), frames, 24).c_str());
  std::printf("by operator and size:\n%s\n",
              OperatorProfile::Table(profile.by_size(), frames, 48).c_str());
}
BENCHMARK_CAPTURE(BM_Profile, float32, TrainingConfig::FLOAT32)->Iterations(5);
BENCHMARK_CAPTURE(BM_Profile, bfloat16, TrainingConfig::BFLOAT16)
    ->Iterations(5);

template <typename Kernels>
const char* NameOf(const Kernels* kernels) {
  return kernels == nullptr ? "LibTorch's operators" : kernels->name;
}

// In the lines before the table.
void DescribeKernels() {
  benchmark::AddCustomContext("Processor has",
                              networks::cpu::InstructionsOfProcessor());
  benchmark::AddCustomContext("Kernels in float32",
                              NameOf(networks::cpu::BestKernels()));
  benchmark::AddCustomContext("Products in bfloat16",
                              NameOf(networks::cpu::BestBfloat16Kernels()));
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  if (const std::string error = networks::cpu::InstructionsError();
      !error.empty()) {
    std::fprintf(stderr, "frame_benchmark: %s\n", error.c_str());
    return 1;
  }
  pipelines::KeepFreedMemory();
  if (std::getenv("OMP_NUM_THREADS") == nullptr &&
      !pipelines::SetThreads(0).ok()) {
    return 1;
  }
  pipelines::DescribeKernels();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
