// The whole path of the paper from two frames to the animated one: keypoints,
// candidate motions, dense motion, inpainting. DESIGN: [CPABMM] Sec. 3.
#ifndef PIPELINES_MODEL_MODEL_H_
#define PIPELINES_MODEL_MODEL_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "keypoints/detector.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/model/candidate_motions.h"

namespace pipelines {

// What animation computes once per source.
struct PreparedSource {
  torch::Tensor image;      // [1, 3, H, W]
  torch::Tensor keypoints;  // [1, 5K, 2]
  torch::Tensor small;      // [1, 3, h, w], at the motion's resolution
  networks::SourceFeatures features;
};

// Networks and motion model under one roof. Parameter names are the original
// checkpoint's: kp_detector.*, dense_motion_network.*, inpainting_network.*,
// bg_predictor.* (absent where the background is off).
class AnimationModel : public torch::nn::Module {
 public:
  // Random initial weights from the current LibTorch seed. InvalidArgument for
  // a config whose transformations do not exist.
  static absl::StatusOr<std::shared_ptr<AnimationModel>> Create(
      const ModelConfig& config);

  // The parameters whose names begin with one of `prefixes` (whole words
  // between dots) require no gradients from now on, and batch norms among them
  // keep their statistics in train mode. InvalidArgument naming a prefix that
  // no parameter has.
  absl::Status Freeze(const std::vector<std::string>& prefixes);

  // As of torch::nn::Module, but for what is frozen.
  void train(bool on = true) override;

  // Keypoints of `images` [B, 3, H, W] in [0, 1]: [B, 5K, 2] in [-1, 1].
  torch::Tensor DetectKeypoints(const torch::Tensor& images);

  // [B, 3, 3] background_source_from_driving; undefined without a predictor.
  torch::Tensor PredictBackground(const torch::Tensor& source,
                                  const torch::Tensor& driving);

  // The motion of a batch in two parts: what CPAB and background propose for
  // each pixel, and the network's blend of it.
  //
  // small: [B, 3, h, w], the source at the motion's resolution
  //        (dense_motion()->Downsample). keypoints: [B, 5K, 2].
  // background: [B, 3, 3] or undefined. keep: [B, M] bool or undefined, see
  // DenseMotionNetwork.
  Candidates InferCandidates(const torch::Tensor& small,
                             const torch::Tensor& source_keypoints,
                             const torch::Tensor& driving_keypoints,
                             const torch::Tensor& background = {}) const;
  networks::DenseMotionOutput BlendCandidates(
      const torch::Tensor& small, const torch::Tensor& source_keypoints,
      const torch::Tensor& driving_keypoints, const Candidates& candidates,
      const torch::Tensor& keep = {});

  // Animation in two parts, without gradients. `source` is [1, 3, H, W].
  PreparedSource PrepareSource(const torch::Tensor& source);
  // Frames for driving keypoints [B, 5K, 2]: prediction [B, 3, H, W], and the
  // motion where `motion` is not null.
  torch::Tensor Animate(const PreparedSource& source,
                        const torch::Tensor& driving_keypoints,
                        const torch::Tensor& background = {},
                        networks::DenseMotionOutput* motion = nullptr);

  keypoints::KeypointDetector& detector() { return *detector_; }
  networks::DenseMotionNetwork& dense_motion() { return dense_motion_; }
  networks::InpaintingNetwork& inpainting() { return inpainting_; }
  // Null where the background is off.
  networks::BackgroundPredictor& background() { return background_; }
  bool has_background() const { return !background_.is_empty(); }

 private:
  AnimationModel(const ModelConfig& config, CandidateMotions candidates);

  double heatmap_variance_;
  std::vector<std::string> frozen_;  // prefixes
  CandidateMotions candidates_;
  std::shared_ptr<keypoints::KeypointDetector> detector_;
  networks::DenseMotionNetwork dense_motion_ = nullptr;
  networks::InpaintingNetwork inpainting_ = nullptr;
  networks::BackgroundPredictor background_ = nullptr;
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_MODEL_H_
