#include "pipelines/avd/avd_training.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <utility>

#include "pipelines/optimizer/adam.h"

namespace pipelines {
namespace {

// A tenth of the rate from 70 % of the steps on, a hundredth from 90 %: the
// predecessor's milestones.
double Rate(const AvdConfig& config, int64_t step) {
  const double done = static_cast<double>(step) / config.steps();
  return config.learning_rate() * (done < 0.7 ? 1 : done < 0.9 ? 0.1 : 0.01);
}

}  // namespace

torch::Tensor Stretch(const torch::Tensor& keypoints, double most,
                      torch::Generator generator) {
  const torch::Tensor share =
      torch::rand({keypoints.size(0), 1, 2}, std::move(generator),
                  torch::dtype(torch::kFloat32));
  return keypoints * (1 + most * (2 * share - 1)).to(keypoints.options());
}

absl::Status FitAvd(const KeypointBank& bank, const AvdConfig& config,
                    uint64_t seed, networks::AvdNetwork avd,
                    const std::function<void(int64_t step, double loss)>& step,
                    const std::function<bool()>& stop) {
  torch::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  AdamOptions options;
  options.weight_decay = 0;
  Adam adam(*avd, options);
  avd->train();
  for (int64_t i = 0; i < config.steps(); ++i) {
    if (stop && stop()) return StoppedError();
    const KeypointPair pair = bank.Draw(config.batch_size(), generator);
    const torch::Tensor given = avd(
        pair.source, Stretch(pair.driving, config.random_scale(), generator));
    const torch::Tensor loss = (given - pair.driving).abs().mean();
    adam.ZeroGrad();
    loss.backward();
    adam.Step(Rate(config, i));
    if (step != nullptr) step(i + 1, loss.item<double>());
  }
  avd->eval();
  return absl::OkStatus();
}

}  // namespace pipelines
