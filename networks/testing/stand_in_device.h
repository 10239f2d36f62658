// A device for tests on machines without a GPU: computes as the CPU does, but
// its tensors are not the CPU's. Code that would fail on a GPU fails on it.
//
// It takes the place of LibTorch's XPU, for which the LibTorchs that this
// repository is built with have no kernels. (The place for a device of a
// program's own, PrivateUse1, cannot take modules: Module::to fails.) Each
// operator copies its arguments to the CPU, runs there, and copies the results
// back, so it is slow and exact. What a GPU refuses, an operator with tensors
// of this device and of the CPU, throws c10::Error naming the operator.
#ifndef NETWORKS_TESTING_STAND_IN_DEVICE_H_
#define NETWORKS_TESTING_STAND_IN_DEVICE_H_

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace networks::test_util {

// The device.
torch::Device StandInDevice();

// Empty, or why gradients cannot be computed on it here: where LibTorch has
// CUDA, its autograd asks CUDA's driver for the streams of every device.
std::string WhyNoGradientsOnStandIn();

// Where the host has waited for the device, as a GPU makes it wait, since the
// last call: one entry a time, the name of the operator. Those are copies to
// and from the CPU but for non_blocking ones from it, item(), and results whose
// shape depends on values (nonzero, indexing by a mask).
std::vector<std::string> TakeWaits();

}  // namespace networks::test_util

#endif  // NETWORKS_TESTING_STAND_IN_DEVICE_H_
