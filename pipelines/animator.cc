#include "pipelines/animator.h"

#include <torch/torch.h>

#include <utility>

#include "pipelines/data/image_io.h"
#include "pipelines/data/image_tensor.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::StatusOr<std::unique_ptr<Animator>> Animator::Load(
    const std::string& checkpoint, torch::Device device,
    const AnimatorOptions& options) {
  ASSIGN_OR_RETURN(TrainedModel model, LoadTrainedModel(checkpoint, device));
  return std::make_unique<Animator>(std::move(model), device, options);
}

Animator::Animator(TrainedModel model, torch::Device device,
                   const AnimatorOptions& options)
    : trained_(std::move(model)), device_(device), options_(options) {}

cv::Size Animator::frame_size() const {
  return {trained_.config.data().width(), trained_.config.data().height()};
}

torch::Tensor Animator::ToTensor(const cv::Mat& rgb) const {
  return data::ImageToTensor(data::CropAndResize(rgb, frame_size()));
}

void Animator::SetSource(const cv::Mat& rgb) {
  source_ =
      trained_.model->PrepareSource(ToTensor(rgb).unsqueeze(0).to(device_));
  transfer_.reset();
}

std::vector<cv::Mat> Animator::Animate(const std::vector<cv::Mat>& driving) {
  TORCH_CHECK(source_.image.defined(), "Animator: SetSource comes first");
  if (driving.empty()) return {};
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> tensors;
  for (const cv::Mat& frame : driving) tensors.push_back(ToTensor(frame));
  const torch::Tensor keypoints =
      trained_.model->DetectKeypoints(torch::stack(tensors).to(device_));
  if (!transfer_) {
    transfer_.emplace(options_.transfer, source_.keypoints,
                      keypoints.slice(0, 0, 1));
  }
  const torch::Tensor frames =
      trained_.model->Animate(source_, transfer_->Apply(keypoints));
  std::vector<cv::Mat> pictures;
  for (int64_t i = 0; i < frames.size(0); ++i) {
    pictures.push_back(data::TensorToImage(frames[i]));
  }
  return pictures;
}

}  // namespace pipelines
