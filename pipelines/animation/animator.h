// Animation as a library: load once, set a source, feed driving frames.
//
//   ASSIGN_OR_RETURN(auto animator, Animator::Load("run/checkpoint", device));
//   const PreparedSource source = animator->PrepareSource(image);
//   cv::Mat frame = animator->Animate(source, {driving_frame}).pictures[0];
//
// animate_video.h does this from file to file; animator_example.cc is a whole
// program.
#ifndef PIPELINES_ANIMATION_ANIMATOR_H_
#define PIPELINES_ANIMATION_ANIMATOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "keypoints/one_euro_filter.h"
#include "keypoints/transfer.h"
#include "networks/avd.h"
#include "networks/inpainting.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/motion_scales.h"
#include "pipelines/animation/precision.h"
#include "pipelines/animation/repeated_call.h"
#include "pipelines/animation/set_names.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/frame_size.h"

namespace pipelines {

struct AnimatorOptions {
  // Its motion_scale is that of `motion_scales` where these name any.
  keypoints::TransferOptions transfer;
  // By keypoint set, with the names beside the checkpoint (set_names.h).
  MotionScales motion_scales;
  // Whether the user can write such names there. False for the checkpoint that
  // comes with a program.
  bool can_name_sets = true;
  // Smooths the driving keypoints over time where set.
  std::optional<keypoints::OneEuroOptions> smoothing;
  Precision precision = Precision::kAuto;
  // The size at which the model sees frames, where it is not to be that of the
  // checkpoint's config. Checkpoints of the original do not say theirs.
  std::optional<FrameSize> model_size;
  // Another motion model than the checkpoint's, see ChooseMotion.
  std::optional<MotionConfig> motion;
};

// What moves the source in a batch of frames, on the model's device. P is the
// number of keypoints of an image, all sets together.
struct FrameMotion {
  // [B, P, 2] as detected; of MoveTo as followed: smoothed, where the options
  // say so.
  torch::Tensor driving_keypoints;
  torch::Tensor keypoints;            // [B, P, 2] that the source takes
  torch::Tensor source_from_driving;  // [B, h, w, 2]
  torch::Tensor occlusion;            // [B, 1, H, W], 1 where the source shows
  torch::Tensor warped;  // [B, 3, H, W], the source before painting
  // [B, M, h, w], of M candidates, the background first; sum 1.
  torch::Tensor contributions;
};

// A source that can be seen through.
struct TransparentSource {
  PreparedSource over_white;
  // With the keypoints of over_white; its tensors are undefined where the
  // source is opaque.
  PreparedSource over_black;
};

struct AnimatedFrames {
  std::vector<cv::Mat> pictures;  // as the driving frames, in order
  // Of the pictures, CV_8UC1, 255 where they are opaque; empty of a source that
  // is opaque everywhere.
  std::vector<cv::Mat> alphas;
  FrameMotion motion;  // undefined without frames
};

// Pictures are CV_8UC3 in RGB order, of any size: the largest centred part with
// the model's aspect is scaled to the model's size. One thread at a time.
class Animator {
 public:
  Animator(const Animator&) = delete;
  Animator& operator=(const Animator&) = delete;

  // The errors of LoadTrainedModel and ReadSetNames; InvalidArgument for
  // options that do not fit the model; FailedPrecondition where AVD mode lacks
  // its network.
  static absl::StatusOr<std::unique_ptr<Animator>> Load(
      const std::string& checkpoint, torch::Device device,
      const AnimatorOptions& options = {});
  static absl::StatusOr<std::unique_ptr<Animator>> Create(
      TrainedModel model, torch::Device device,
      const AnimatorOptions& options = {}, const SetNames& names = {});

  // Size of the pictures that Animate returns.
  cv::Size frame_size() const;
  int num_keypoint_sets() const;
  int keypoints_per_transform() const;
  // Of the keypoint detector's weights (networks/weights/fingerprint.h):
  // keypoints that models of another fingerprint found do not fit this one.
  std::string DetectorFingerprint();
  // The motion model in use, as "cpab".
  std::string motion_name() const;
  const AnimatorOptions& options() const { return options_; }
  keypoints::TransferMode mode() const { return options_.transfer.mode; }
  // For the user, where the checkpoint has not learnt to paint; else empty. See
  // checkpoint/learning_phase.h.
  std::string unpainted_warning() const;
  // What is in use: never kAuto.
  Precision precision() const { return options_.precision; }

  // What is to be moved. All that depends on it alone is computed here, once.
  PreparedSource PrepareSource(const cv::Mat& rgb);

  // The same of a picture over white that can be seen through by `alpha`,
  // CV_8UC1 of its size; empty: opaque.
  TransparentSource PrepareTransparentSource(const cv::Mat& over_white,
                                             const cv::Mat& alpha);

  // Begins another driving video. `reference` [1, P, 2] are the driving
  // keypoints that relative motion is relative to; where undefined, those of
  // the next frame.
  void BeginDriving(const torch::Tensor& reference = {});

  // The keypoints of each of `pictures`, [B, P, 2].
  torch::Tensor DetectKeypoints(const std::vector<cv::Mat>& pictures);

  // `source` moved as each of `driving` shows. `seconds` are the frames' times,
  // for smoothing; if empty, frames come at 25 a second. Without smoothing, a
  // frame's result does not depend on the others: on a CPU with AVX2 it is the
  // same to the bit alone, in any batch and on any number of threads.
  AnimatedFrames Animate(const PreparedSource& source,
                         const std::vector<cv::Mat>& driving,
                         absl::Span<const double> seconds = {});

  // The same for driving keypoints that are known, [B, P, 2] as
  // DetectKeypoints finds them: the same frames to the bit.
  AnimatedFrames AnimateKeypoints(const PreparedSource& source,
                                  const torch::Tensor& driving_keypoints,
                                  absl::Span<const double> seconds = {});

  // The two halves of AnimateKeypoints, for several sources that follow one
  // driving video: what the sources follow, [B, P, 2], smoothed; the first of
  // it becomes the reference where there is none. To be called once a frame.
  torch::Tensor Follow(const torch::Tensor& driving_keypoints,
                       absl::Span<const double> seconds = {});
  // `source` moved as `followed` says. share: how much of the motion shows, see
  // ShowShare (motion_share.h); undefined: all.
  AnimatedFrames MoveTo(const PreparedSource& source,
                        const torch::Tensor& followed,
                        const torch::Tensor& share = {});
  // The same for a source that can be seen through: pictures over white, and
  // their alpha. The network paints each frame twice, by the same motion, over
  // white and over black; a pixel that is lighter over white by 1 - alpha lets
  // so much of the background through. So where the source shows, its alpha
  // moves as its colours do. Where the network paints what the source hides, it
  // is opaque as far as it is painted alike on both. What comes from outside of
  // the source is transparent.
  AnimatedFrames MoveTo(const TransparentSource& source,
                        const torch::Tensor& followed,
                        const torch::Tensor& share = {});

  // The contribution map [h, w] of the background candidate of `source` at
  // rest: near 1 where the model sees no figure.
  torch::Tensor BackgroundAtRest(const PreparedSource& source);
  // How much each keypoint set moves each pixel of `source`, [K, h, w]; see
  // ReachOfSets (set_reach.h).
  torch::Tensor ReachOfKeypointSets(const PreparedSource& source);
  // The names that the user gave them; none of a model that was not loaded from
  // a file.
  const SetNames& set_names() const { return set_names_; }

 private:
  Animator(TrainedModel model, torch::Device device,
           const AnimatorOptions& options)
      : trained_(std::move(model)), device_(device), options_(options) {}

  torch::Tensor ToTensor(const cv::Mat& rgb) const;
  // over_black: null for an opaque source.
  AnimatedFrames MoveOver(const PreparedSource& over_white,
                          const PreparedSource* over_black,
                          const torch::Tensor& followed,
                          const torch::Tensor& share);
  // Of an opaque source, all of the motion.
  AnimatedFrames MoveOpaque(const PreparedSource& source,
                            const torch::Tensor& followed,
                            const torch::Tensor& keypoints);
  networks::InpaintingOutput Paint(const PreparedSource& source,
                                   const Motion& motion);
  torch::Tensor Smooth(const torch::Tensor& keypoints,
                       absl::Span<const double> seconds);
  torch::Tensor Transfer(const PreparedSource& source,
                         const torch::Tensor& driving_keypoints);

  TrainedModel trained_;
  torch::Device device_;
  AnimatorOptions options_;
  torch::Tensor reference_;  // undefined before the first driving frame
  // Of the source and the reference at hand: making one may wait for them.
  std::unique_ptr<const keypoints::MotionTransfer> transfer_;
  torch::Tensor transfer_source_, transfer_reference_;
  RepeatedCall detect_, move_and_paint_;
  std::optional<keypoints::OneEuroFilter> filter_;
  double next_seconds_ = 0;
  std::string detector_fingerprint_;  // empty until asked for
  SetNames set_names_;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_ANIMATOR_H_
