#include "pipelines/avd/keypoint_bank.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "pipelines/data/image_tensor.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Of `clip`, [F, 3, H, W].
torch::Tensor EvenlySpacedFrames(const data::Clip& clip, int most) {
  std::vector<torch::Tensor> frames;
  for (const int64_t i :
       EvenlySpaced(static_cast<int64_t>(clip.frames.size()), most)) {
    frames.push_back(data::ImageToTensor(clip.frames[i]));
  }
  return torch::stack(frames);
}

torch::Tensor Detect(AnimationModel& model, torch::Device device,
                     const torch::Tensor& frames) {
  constexpr int64_t kBatch = 16;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> keypoints;
  for (const torch::Tensor& batch : frames.split(kBatch)) {
    keypoints.push_back(model.DetectKeypoints(batch.to(device)));
  }
  return torch::cat(keypoints);
}

// Uniform in [0, count) for each count; `count` is int64.
torch::Tensor DrawBelow(const torch::Tensor& count,
                        torch::Generator generator) {
  const torch::Tensor share = torch::rand(count.sizes(), std::move(generator),
                                          torch::dtype(torch::kFloat64));
  return (share.to(count.device()) * count).to(torch::kInt64);
}

}  // namespace

std::vector<int64_t> EvenlySpaced(int64_t available, int64_t most) {
  const int64_t count = std::min(most, available);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < count; ++i) indices.push_back(i * available / count);
  return indices;
}

KeypointBank::KeypointBank(const std::vector<torch::Tensor>& clips) {
  TORCH_CHECK(!clips.empty(), "KeypointBank: no clips");
  std::vector<int64_t> first, count;
  int64_t rows = 0;
  for (const torch::Tensor& clip : clips) {
    first.push_back(rows);
    count.push_back(clip.size(0));
    rows += clip.size(0);
  }
  keypoints_ = torch::cat(clips);
  first_ = torch::tensor(first).to(keypoints_.device());
  count_ = torch::tensor(count).to(keypoints_.device());
}

KeypointPair KeypointBank::Draw(int64_t batch,
                                torch::Generator generator) const {
  const torch::Tensor clip = torch::randint(num_clips(), {batch}, generator)
                                 .to(first_.device())
                                 .to(torch::kInt64);
  const torch::Tensor first = first_.index_select(0, clip);
  const torch::Tensor count = count_.index_select(0, clip);
  const torch::Tensor source = first + DrawBelow(count, generator);
  const torch::Tensor driving = first + DrawBelow(count, generator);
  return {keypoints_.index_select(0, source),
          keypoints_.index_select(0, driving)};
}

absl::StatusOr<KeypointBank> DetectKeypointBank(
    AnimationModel& model, torch::Device device, data::Dataset& dataset,
    int frames_per_clip, bool mirrored, const WorkHooks& hooks) {
  const auto total = static_cast<int64_t>(dataset.clips().size());
  hooks.Report({"keypoints", "clips", 0, total, ""});
  std::vector<torch::Tensor> clips;
  for (int64_t i = 0; i < total; ++i) {
    RETURN_IF_ERROR(CheckNotStopped(hooks));
    const auto clip = dataset.ReadWholeClip(i);
    if (clip.ok()) {
      const torch::Tensor frames = EvenlySpacedFrames(**clip, frames_per_clip);
      clips.push_back(Detect(model, device, frames));
      if (mirrored) clips.push_back(Detect(model, device, frames.flip({3})));
    } else {
      RETURN_IF_ERROR(dataset.SetAside(i, clip.status()));
      hooks.Warn(data::LeftOut({dataset.clips()[static_cast<size_t>(i)].path,
                                std::string(clip.status().message())}));
    }
    hooks.Report({"keypoints", "clips", i + 1, total, ""});
  }
  return KeypointBank(clips);
}

}  // namespace pipelines
