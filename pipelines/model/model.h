// The whole path of the paper from two frames to the animated one: keypoints,
// candidate motions, dense motion, inpainting. [CPABMM] Sec. 3.
//
//   PreparedSource source = model.PrepareSource(image);
//   Motion motion = model.Move(source, model.DetectKeypoints(driving));
//   torch::Tensor frames = model.Paint(source, motion).prediction;
//
// Training, previews, animation and evaluation make their frames by these
// calls; what the networks are and in which order they run stands here only.
// They have coordinates in the image in float32 and with all digits under
// autocast, too (networks/exact_scope.h).
#ifndef PIPELINES_MODEL_MODEL_H_
#define PIPELINES_MODEL_MODEL_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "keypoints/detector.h"
#include "networks/dense_motion_output.h"
#include "networks/inpainting_output.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/model/candidate_motions.h"

// Not included: LibTorch's modules take the compiler two seconds for each file.
namespace networks {
class BackgroundPredictor;
class DenseMotionNetwork;
class InpaintingNetwork;
}  // namespace networks

namespace pipelines {

// A batch of sources, ready to be moved. P is the number of keypoints of an
// image: num_transforms sets of keypoints_per_transform, set by set.
struct PreparedSource {
  torch::Tensor image;      // [B, 3, H, W] in [0, 1]
  torch::Tensor keypoints;  // [B, P, 2] in [-1, 1]
  torch::Tensor small;      // [B, 3, h, w], at the motion's resolution
  // Where undefined, Paint computes them.
  networks::SourceFeatures features;
};

struct MoveOptions {
  // [B, 3, 3] background_source_from_driving; where undefined, the background
  // is at rest.
  torch::Tensor background;
  // [B, M] bool: the candidates that are not dropped, see DenseMotionNetwork.
  // Undefined: all.
  torch::Tensor keep;
  // Told when a part begins: "motion inference", "dense motion".
  std::function<void(const char* part)> begin;
};

// Where each pixel of driving frames comes from in their sources.
struct Motion {
  Candidates candidates;              // what the transforms propose
  networks::DenseMotionOutput blend;  // what the network makes of it
};

// The networks one by one, for what looks at their weights or exports them. To
// make a frame, use AnimationModel. Include the headers of those that you use.
struct ModelParts {
  keypoints::KeypointDetector& detector;
  networks::DenseMotionNetwork& dense_motion;
  networks::InpaintingNetwork& inpainting;
  networks::BackgroundPredictor& background;  // null where it is off
};

// The networks and the motion model together. Parameter names are the original
// checkpoint's: kp_detector.*, dense_motion_network.*, inpainting_network.*,
// bg_predictor.* (absent where the background is off).
class AnimationModel : public torch::nn::Module {
 public:
  // Random initial weights from the current LibTorch seed. InvalidArgument for
  // a config whose transformations do not exist.
  static absl::StatusOr<std::shared_ptr<AnimationModel>> Create(
      const ModelConfig& config);
  ~AnimationModel() override;

  // The parameters whose names begin with one of `prefixes` (whole words
  // between dots) require no gradients from now on, and batch norms among them
  // keep their statistics in train mode. InvalidArgument naming a prefix that
  // no parameter has.
  absl::Status Freeze(const std::vector<std::string>& prefixes);

  // As of torch::nn::Module, but for what is frozen.
  void train(bool on = true) override;

  // Keypoints of `images` [B, 3, H, W] in [0, 1]: [B, P, 2] in [-1, 1], in
  // float32 also under autocast.
  torch::Tensor DetectKeypoints(const torch::Tensor& images);

  // [B, 3, 3] background_source_from_driving, in float32 also under autocast;
  // undefined without a predictor.
  torch::Tensor PredictBackground(const torch::Tensor& source,
                                  const torch::Tensor& driving);

  // `images` [B, 3, H, W] at the resolution of the motion: [B, 3, h, w].
  torch::Tensor Downsample(const torch::Tensor& images);

  // Sources [B, 3, H, W] in [0, 1], with features and without gradients.
  PreparedSource PrepareSource(const torch::Tensor& images);
  // The same with gradients and without features, for training: each source is
  // painted once.
  PreparedSource LocateSource(const torch::Tensor& images);

  // The motion to driving keypoints [B, P, 2] of a source of batch size B, or
  // of one for all. Runs in the mode that the model is in; the fit runs without
  // autocast.
  Motion Move(const PreparedSource& source,
              const torch::Tensor& driving_keypoints,
              const MoveOptions& options = {});

  // The frames of `motion`. In eval mode and without gradients, a frame's bits
  // do not depend on its batch (networks/blocks.h), which under autocast takes
  // a pass for each frame. with_warped_encoder_maps: see InpaintingOutput; only
  // with gradients or in train mode.
  networks::InpaintingOutput Paint(const PreparedSource& source,
                                   const Motion& motion,
                                   bool with_warped_encoder_maps = false);

  // The inpainting network's encoder maps of driving frames [B, 3, H, W] as
  // `motion` masks them, largest first: the target of the warp loss. Without
  // gradient.
  std::vector<torch::Tensor> EncodeDriving(const torch::Tensor& driving,
                                           const Motion& motion);

  // Uses the motion models of `config` from now on, with the same networks.
  // InvalidArgument as of Create. TORCH_CHECK: another number of transforms.
  absl::Status SetMotion(const ModelConfig& config);

  // M: background, K local transforms, and the global one if there is one.
  int64_t num_candidates() const;
  bool has_background() const;

  ModelParts parts();

 private:
  struct Networks;

  AnimationModel(const ModelConfig& config, CandidateMotions candidates);

  // Paint, frame by frame.
  networks::InpaintingOutput PaintOneByOne(
      const networks::SourceFeatures& features,
      const networks::DenseMotionOutput& blend);

  double heatmap_variance_;
  std::vector<std::string> frozen_;  // prefixes
  CandidateMotions candidates_;
  const std::unique_ptr<Networks> networks_;
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_MODEL_H_
