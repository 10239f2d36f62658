// The device that a run computes on.
#ifndef PIPELINES_APP_DEVICE_FLAGS_H_
#define PIPELINES_APP_DEVICE_FLAGS_H_

#include <c10/core/Device.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pipelines {

// What LibTorch finds of NVIDIA's GPUs.
struct Gpus {
  int count = 0;
  // Whether LibTorch could use any: Debian's could not.
  bool has_cuda = false;
};
Gpus GpusHere();

// "auto" (the first GPU where there is one, else the CPU), "cpu", "cuda" or
// "cuda:1". An absent device is an error that says what there is and what to
// do, never a silent fallback.
absl::StatusOr<c10::Device> SelectDevice(const std::string& name,
                                         const Gpus& gpus = GpusHere());

// Sets LibTorch's threads on the CPU; 0 is one a core that this process may use
// (LibTorch's own default is 1 on some machines), or a fair share of them where
// `processes` run on this machine. InvalidArgument if negative or above
// 1024, and if the environment variable that limits the processor's
// instructions (networks/cpu/instructions.h) names none.
absl::Status SetThreads(int threads, int processes = 1);

// Whether float32's convolutions and matrix products may be in TF32 on NVIDIA
// GPUs, from here on in this process: see TrainingConfig.tf32.
void AllowTf32(bool allowed);

// "CPU, 2 threads" or "cuda:0".
std::string DescribeDevice(c10::Device device);

}  // namespace pipelines

#endif  // PIPELINES_APP_DEVICE_FLAGS_H_
