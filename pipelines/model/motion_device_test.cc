// Motion models on each kind of device, and what else //cpab computes with
// tensors: its own tests have the CPU's alone, since the stand-in device is of
// //networks.
#include <torch/types.h>

#include <string>

#include "cpab/torch/batch_transform.h"
#include "cpab/torch/tensor_warp.h"
#include "cpab/torch/transform.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/model/keypoints_test_util.h"
#include "pipelines/model/motion_model.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using networks::Tensors;
using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
using torch::Tensor;

class MotionDeviceTest : public networks::test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(MotionDeviceTest);

TEST_P(MotionDeviceTest, MotionModelsAreThoseOfTheCpu) {
  const Tensor from = RandomKeypoints(3, 1).to(torch::kFloat32);
  const Tensor to = from + 0.1 * torch::sin(9 * from);
  const Tensor points = Plane(1.2)[0].to(torch::kFloat32);
  for (const std::string& name : MotionNames()) {
    SCOPED_TRACE(name);
    const auto config = ParseMotion(name);
    ASSERT_THAT(config, IsOk());
    const auto model = MakeMotionModel(*config);
    ASSERT_THAT(model, IsOk());
    ExpectAsOnCpu(
        [&](const Tensors& x) {
          const InferredMotion motion = (*model)->Infer(x[0], x[1], x[2]);
          // A residual by itself may be of the size of rounding.
          return Tensors{motion.moved.flatten(1) +
                         motion.residual.unsqueeze(1)};
        },
        {from, to, points});
  }
}

// In float64, in which no label falls on the other side of a half. Kernels in
// float32 are among the motion models.
TEST_P(MotionDeviceTest, CpabWarpsAsOnTheCpu) {
  const auto plane = cpab::Transform::Create({4, 4, true, false});
  ASSERT_THAT(plane, IsOk());
  const cpab::SignalTransform line(cpab::IntervalBasis::Create({5}).value());
  const cpab::VolumeTransform space(
      cpab::VolumeBasis::Create({2, 1, 1, true}).value());
  const Tensor lengths = torch::tensor({12, 7});
  const auto theta = [](int64_t size) {
    return FillSigned("theta", {2, size}).to(torch::kFloat64);
  };
  const auto samples = [](torch::IntArrayRef shape) {
    return FillUniform("samples", shape).to(torch::kFloat64);
  };
  ExpectAsOnCpu(
      [&](const Tensors& x) {
        const Tensor labels = (100 * x[1].detach()).to(torch::kInt64);
        return Tensors{cpab::WarpImages(*plane, x[0], x[1]),
                       cpab::WarpLabels(*plane, x[0], labels),
                       line.Warp(x[2], x[3]), line.Warp(x[2], x[3], lengths),
                       space.Warp(x[4], x[5])};
      },
      {theta(plane->theta_size()), samples({2, 3, 16, 20}),
       theta(line.theta_size()), samples({2, 3, 12}), theta(space.theta_size()),
       samples({2, 1, 3, 4, 5})});
}

}  // namespace
}  // namespace pipelines
