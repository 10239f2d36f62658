// The AVD network learns to tell shape from pose.
#include "pipelines/avd/avd_training.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/avd.h"
#include "networks/testing/devices.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/avd/keypoint_bank.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

torch::Generator Generator(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

// Figures of their own width and height, that swing: [F, 10, 2] each.
std::vector<torch::Tensor> Figures(int count, int frames) {
  torch::manual_seed(5);
  const torch::Tensor rest = torch::rand({1, 10, 2}) - 0.5;
  const torch::Tensor swing = torch::rand({1, 10, 2}) - 0.5;
  std::vector<torch::Tensor> clips;
  for (int i = 0; i < count; ++i) {
    const torch::Tensor size = 0.7 + 0.6 * torch::rand({1, 1, 2});
    const torch::Tensor phase =
        torch::linspace(0, 6, frames).view({frames, 1, 1});
    clips.push_back((rest + 0.4 * torch::sin(phase) * swing) * size);
  }
  return clips;
}

AvdConfig SmallConfig() {
  AvdConfig config;
  config.set_steps(150);
  config.set_batch_size(64);
  return config;
}

networks::AvdNetwork SmallNetwork() {
  torch::manual_seed(1);
  networks::AvdOptions options;
  options.num_transforms = 2;
  options.identity_bottleneck = 16;
  options.pose_bottleneck = 16;
  return networks::AvdNetwork(options);
}

TEST(Stretch, MultipliesEachAxisOfEachSetByOneFactor) {
  const torch::Tensor keypoints = torch::rand({500, 6, 2}) + 0.1;
  const torch::Tensor factor =
      Stretch(keypoints, 0.25, Generator(3)) / keypoints;
  // One factor for all keypoints of a set, up to rounding.
  EXPECT_LT((factor - factor.slice(1, 0, 1)).abs().max().item<float>(), 1e-5);
  EXPECT_GE(factor.min().item<float>(), 0.75 - 1e-5);
  EXPECT_LE(factor.max().item<float>(), 1.25 + 1e-5);
  EXPECT_NEAR(factor.std().item<float>(), 0.25 / std::sqrt(3), 0.02);
}

TEST(FitAvd, UndoesTheStretchByKnowingTheFigure) {
  const KeypointBank bank(Figures(20, 30));
  networks::AvdNetwork avd = SmallNetwork();
  double last = 0;
  ASSERT_THAT(FitAvd(bank, SmallConfig(), 7, avd,
                     [&](int64_t, double loss) { last = loss; }),
              IsOk());
  const KeypointPair pair = bank.Draw(256, Generator(99));
  const torch::Tensor stretched = Stretch(pair.driving, 0.25, Generator(98));
  const torch::NoGradGuard no_grad;
  const double untouched =
      (stretched - pair.driving).abs().mean().item<double>();
  const double restored =
      (avd(pair.source, stretched) - pair.driving).abs().mean().item<double>();
  // Without knowing the figure, no better than half could be undone.
  EXPECT_LT(restored, 0.5 * untouched);
  EXPECT_FALSE(avd->is_training());
}

TEST(FitAvd, DependsOnTheSeedOnly) {
  const KeypointBank bank(Figures(4, 10));
  AvdConfig config = SmallConfig();
  config.set_steps(3);
  const auto train = [&](uint64_t seed) {
    networks::AvdNetwork avd = SmallNetwork();
    EXPECT_THAT(FitAvd(bank, config, seed, avd), IsOk());
    return torch::cat({avd->parameters()[0].flatten(),
                       avd->parameters().back().flatten()})
        .detach();
  };
  EXPECT_TRUE(torch::equal(train(1), train(1)));
  EXPECT_FALSE(torch::equal(train(1), train(2)));
}

class FitAvdDeviceTest : public networks::test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(FitAvdDeviceTest);

// Adam moves a parameter by the sign of its gradient at first, and rounding
// alone may decide that of a small one.
TEST_P(FitAvdDeviceTest, LearnsAsOnTheCpu) {
  AvdConfig config = SmallConfig();
  config.set_steps(3);
  const auto losses = [&](torch::Device where) {
    std::vector<torch::Tensor> clips;
    for (const torch::Tensor& clip : Figures(4, 10)) {
      clips.push_back(clip.to(where));
    }
    networks::AvdNetwork avd = SmallNetwork();
    avd->to(where);
    std::vector<double> values;
    EXPECT_THAT(FitAvd(KeypointBank(clips), config, 7, avd,
                       [&](int64_t, double loss) { values.push_back(loss); }),
                IsOk());
    return torch::tensor(values);
  };
  EXPECT_THAT(losses(device()),
              networks::test_util::TensorNear(losses(torch::kCPU), 1e-3));
}

}  // namespace
}  // namespace pipelines
