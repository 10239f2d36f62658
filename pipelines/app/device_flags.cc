#include "pipelines/app/device_flags.h"

#include <ATen/Context.h>
#include <sched.h>
#include <torch/cuda.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "networks/cpu/instructions.h"

namespace pipelines {
namespace {

// Cores that the scheduler lets this process use: fewer than the machine has
// inside a container or under taskset.
int UsableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return std::max(1u, std::thread::hardware_concurrency());
}

// 0 of "cuda", 3 of "cuda:3"; nullopt of any other name.
std::optional<uint32_t> GpuOf(absl::string_view name) {
  if (name == "cuda") return 0;
  uint32_t gpu;
  if (!absl::ConsumePrefix(&name, "cuda:") || !absl::SimpleAtoi(name, &gpu) ||
      absl::StrCat(gpu) != name) {
    return std::nullopt;
  }
  return gpu;
}

// What to do where there is no such GPU.
std::string Remedy(const Gpus& gpus) {
  if (!gpus.has_cuda) {
    return "this LibTorch has no CUDA; use cpu, or name one that has by the "
           "variable LIBTORCH";
  }
  if (gpus.count == 0) {
    return "LibTorch has CUDA, but finds no GPU; see whether nvidia-smi shows "
           "one and a driver that is new enough, whether a container was given "
           "it (--gpus all), and CUDA_VISIBLE_DEVICES; or use cpu";
  }
  if (gpus.count == 1) return "the only GPU is cuda:0";
  return absl::StrCat("the GPUs are cuda:0 to cuda:", gpus.count - 1);
}

}  // namespace

Gpus GpusHere() {
  return {static_cast<int>(torch::cuda::device_count()),
          at::Context::hasCUDART()};
}

absl::StatusOr<c10::Device> SelectDevice(const std::string& name,
                                         const Gpus& gpus) {
  if (name == "auto") {
    return gpus.count > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  }
  if (name == "cpu") return c10::Device(c10::kCPU);
  // c10::Device keeps the last eight bits of a number.
  const std::optional<uint32_t> gpu = GpuOf(name);
  if (!gpu) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--device: '", name, "' is no device; use auto, cpu, cuda or cuda:N"));
  }
  if (*gpu < static_cast<uint32_t>(gpus.count)) return c10::Device(name);
  return absl::FailedPreconditionError(
      absl::StrCat("--device: there is no ", name, " here: ", Remedy(gpus)));
}

absl::Status SetThreads(int threads, int processes) {
  const std::string error = networks::cpu::InstructionsError();
  if (!error.empty()) return absl::InvalidArgumentError(error);
  // More than any machine has cores. Each takes memory for its stack, so that a
  // slip of the finger would take all of it.
  constexpr int kMaxThreads = 1024;
  if (threads < 0 || threads > kMaxThreads) {
    return absl::InvalidArgumentError(absl::StrCat("--threads is ", threads,
                                                   "; use 1 to ", kMaxThreads,
                                                   ", or 0 for all cores"));
  }
  torch::set_num_threads(threads > 0 ? threads
                                     : std::max(1, UsableCores() / processes));
  return absl::OkStatus();
}

void AllowTf32(bool allowed) {
  at::globalContext().setAllowTF32CuBLAS(allowed);
  at::globalContext().setAllowTF32CuDNN(allowed);
}

std::string DescribeDevice(c10::Device device) {
  if (!device.is_cpu()) return device.str();
  const int threads = torch::get_num_threads();
  return absl::StrCat("CPU, ", threads, threads == 1 ? " thread" : " threads");
}

}  // namespace pipelines
