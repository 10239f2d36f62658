// How long loading takes and how much memory it needs at most.
//
//   tools/bazelw run //networks/weights:load_benchmark
//   WEIGHTS=/path/to/file.pth tools/bazelw run
//   //networks/weights:load_benchmark
//
// Makes a model of 400 MB and its files in the temporary folder. Reading them
// is from the page cache; what is measured is our own work. Names:
//   copy    into the model's own memory
//   share   the model uses the mapped file; each value is then read once
//   open    WEIGHTS, a file of any format: every value is read once
// peak_MB is the process' largest resident size during the load, model
// included; before_MB that before it. With `copy`, pages of the mapped file
// count too.
#include <benchmark/benchmark.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/read.h"
#include "networks/weights/safetensors.h"

namespace networks::weights {
namespace {

constexpr int kLayers = 25;
constexpr int64_t kWidth = 2000;  // 16 MB a layer.

torch::nn::Sequential MakeModel() {
  torch::nn::Sequential model;
  for (int i = 0; i < kLayers; ++i) {
    model->push_back(torch::nn::Linear(kWidth, kWidth));
  }
  return model;
}

// A field of /proc/self/status, in MB.
double StatusField(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind(name + ":", 0) == 0) {
      return std::atof(line.c_str() + name.size() + 1) / 1024;
    }
  }
  return 0;
}

void ResetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

double Touch(const TensorMap& tensors) {
  double sum = 0;
  for (const auto& [name, tensor] : tensors) {
    sum += tensor.sum().item().to<double>();
  }
  return sum;
}

// The 400 MB model as a file of the format, made once.
std::string ModelFile(bool is_safetensors) {
  const std::string path =
      (std::filesystem::temp_directory_path() /
       (is_safetensors ? "weights_400mb.safetensors" : "weights_400mb.pth"))
          .string();
  if (std::filesystem::exists(path)) return path;
  const TensorMap state = StateDict(*MakeModel());
  const absl::Status status = is_safetensors ? WriteSafetensors(path, state)
                                             : WritePytorch(path, state);
  TORCH_CHECK(status.ok(), status.ToString());
  return path;
}

void Load(benchmark::State& state, bool is_safetensors, bool share_memory) {
  const std::string path = ModelFile(is_safetensors);
  LoadOptions options;
  options.share_memory = share_memory;
  for (auto _ : state) {
    state.PauseTiming();
    torch::nn::Sequential model = MakeModel();
    ResetPeak();
    state.counters["before_MB"] = StatusField("VmRSS");
    state.ResumeTiming();
    const auto report = LoadFile(*model, path, options);
    TORCH_CHECK(report.ok(), report.status().ToString());
    if (share_memory) benchmark::DoNotOptimize(Touch(StateDict(*model)));
    state.PauseTiming();
    state.counters["peak_MB"] = StatusField("VmHWM");
    model = nullptr;
    state.ResumeTiming();
  }
}

void BM_Copy(benchmark::State& state) { Load(state, state.range(0), false); }
void BM_Share(benchmark::State& state) { Load(state, state.range(0), true); }
BENCHMARK(BM_Copy)
    ->ArgName("safetensors")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Share)
    ->ArgName("safetensors")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

void BM_Open(benchmark::State& state) {
  const char* const path = std::getenv("WEIGHTS");
  if (path == nullptr) {
    state.SkipWithError("the variable WEIGHTS names no file");
    return;
  }
  ResetPeak();
  state.counters["before_MB"] = StatusField("VmRSS");
  for (auto _ : state) {
    const auto weights = ReadWeights(path);
    TORCH_CHECK(weights.ok(), weights.status().ToString());
    benchmark::DoNotOptimize(Touch(weights->tensors));
  }
  state.counters["peak_MB"] = StatusField("VmHWM");
}
BENCHMARK(BM_Open)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace networks::weights
