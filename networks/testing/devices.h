// Test suites that run on each kind of device:
//
//   class FlowTest : public networks::test_util::DeviceTest {};
//   INSTANTIATE_ON_DEVICES(FlowTest);
//   TEST_P(FlowTest, AgreesWithTheCpu) {
//     ExpectAsOnCpu([](const Tensors& x) { return Tensors{Flow(x[0])}; },
//                   {points});
//   }
//
// The devices are the CPU, the stand-in (stand_in_device.h), which every
// machine has, and the first CUDA device. A test of a device that is not there
// is skipped and says so. In a test, CUDA multiplies float32 with all digits,
// not in TF32, which is LibTorch's own choice for convolutions.
#ifndef NETWORKS_TESTING_DEVICES_H_
#define NETWORKS_TESTING_DEVICES_H_

#include <ATen/Context.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/tensor_function.h"
#include "networks/testing/stand_in_device.h"

namespace networks::test_util {

struct DeviceCase {
  const char* name;
  Tensors inputs;
  TensorFunction function;
};

class DeviceTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (device().is_cuda() && !torch::cuda::is_available()) {
      GTEST_SKIP() << "no CUDA device: not tested on one";
    }
    const bool is_stand_in = device().type() == StandInDevice().type();
    if (is_stand_in && !WhyNoGradientsOnStandIn().empty()) {
      GTEST_SKIP() << WhyNoGradientsOnStandIn();
    }
    AllowTf32(false, false);
  }
  void TearDown() override {
    AllowTf32(products_before_, convolutions_before_);
  }

  // Expects of `function`, given `inputs` (on the CPU) on device(), what it
  // gives for them on the CPU: its results, which are on the device, with and
  // without autograd, and the gradients in the inputs of a weighted sum of
  // them. Each up to `tolerance` of its Euclidean norm: the default is far from
  // float32's rounding, 1e-6, and from wrong numbers. A ReLU or a kink that
  // rounding puts on its other side changes the gradient by more, about the
  // inverse square root of how many there are.
  void ExpectAsOnCpu(const TensorFunction& function, const Tensors& inputs,
                     double tolerance = 1e-3) const;

  // The same of each of `cases`.
  void ExpectAllAsOnCpu(const std::vector<DeviceCase>& cases) const;

  torch::Device device() const {
    const std::string name = GetParam();
    if (name == "cuda") return torch::Device(torch::kCUDA, 0);
    return name == "stand_in" ? StandInDevice() : torch::Device(torch::kCPU);
  }

 private:
  static void AllowTf32(bool in_products, bool in_convolutions) {
    at::globalContext().setAllowTF32CuBLAS(in_products);
    at::globalContext().setAllowTF32CuDNN(in_convolutions);
  }

  const bool products_before_ = at::globalContext().allowTF32CuBLAS();
  const bool convolutions_before_ = at::globalContext().allowTF32CuDNN();
};

}  // namespace networks::test_util

#define INSTANTIATE_ON_DEVICES(Suite)                               \
  INSTANTIATE_TEST_SUITE_P(                                         \
      Devices, Suite, ::testing::Values("cpu", "stand_in", "cuda"), \
      [](const auto& info) { return std::string(info.param); })

#endif  // NETWORKS_TESTING_DEVICES_H_
