// The source of an animation from file to file: what of its frames is moved,
// and how the moved parts become frames again.
#ifndef PIPELINES_ANIMATION_VIDEO_SOURCE_H_
#define PIPELINES_ANIMATION_VIDEO_SOURCE_H_

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/crop_blend.h"
#include "pipelines/animation/cropped_reader.h"
#include "pipelines/animation/figure_background.h"

namespace pipelines {

struct VideoSourceOptions {
  CroppedReaderOptions reader;
  int64_t frame = 0;      // the first to be animated, from 0
  bool is_video = false;  // so are those behind it
  // The moved parts are put back into the whole picture, by `blend`. Otherwise
  // they stand side by side.
  bool paste_back = false;
  CropBlendOptions blend;
  BackgroundOptions background;
  // A source that can be seen through stays so; else it is over white. Not
  // together with a background.
  bool with_alpha = false;
};

// A part of one frame after it was moved, on the CPU.
struct MovedPart {
  cv::Mat picture;    // as the model makes it
  cv::Mat alpha;      // CV_8UC1; empty unless has_alpha()
  FigureMaps figure;  // empty where the background is the model's
};

// Next, Join, and all the others together may be called in a thread each.
class VideoSource {
 public:
  // Reads the first frame, and computes what the model needs of its parts. The
  // errors of CroppedReader, ReadMask and BackgroundPainter; InvalidArgument
  // where there is no such frame, and for options that do not go together.
  static absl::StatusOr<std::unique_ptr<VideoSource>> Open(
      const std::string& path, Animator& animator,
      const VideoSourceOptions& options);

  const CroppedFrame& first() const { return first_; }
  // Of a video, the frame behind the one before; empty after the last.
  absl::StatusOr<std::optional<CroppedFrame>> Next() { return reader_->Next(); }

  // Whether it is to be seen through and can be, which its first frame decides.
  bool has_alpha() const {
    return options_.with_alpha && !first_.alpha.empty();
  }
  // One picture, and no video.
  bool is_still() const { return reader_->info().is_still; }
  size_t num_parts() const { return reader_->parts().size(); }
  cv::Rect box() const { return reader_->box(); }
  // Of its keypoints.
  const PreparedSource& prepared() const { return prepared_[0].over_white; }
  std::vector<std::string> warnings() const;
  // Of what Join returns, if nobody asks for another.
  cv::Size natural_size() const;

  // What is moved from now on is `frame`.
  void Prepare(const CroppedFrame& frame);
  // Each part moved to `followed` [B, P, 2], see Animator::MoveTo.
  std::vector<AnimatedFrames> MoveTo(const torch::Tensor& followed);
  // Frame `n` of what MoveTo returned: all parts.
  std::vector<MovedPart> PartsOf(const std::vector<AnimatedFrames>& moved,
                                 int64_t n) const;

  // A frame of the result: `parts` of `source`, about as large as `size`.
  // driving: what the model saw of the driving frame, if a background needs it.
  cv::Mat Join(const CroppedFrame& source, const std::vector<MovedPart>& parts,
               const cv::Mat& driving, cv::Size size) const;
  // Its alpha, CV_8UC1, where has_alpha().
  cv::Mat JoinAlpha(const CroppedFrame& source,
                    const std::vector<MovedPart>& parts) const;

 private:
  VideoSource(Animator& animator, const VideoSourceOptions& options,
              BackgroundPainter painter)
      : animator_(animator), options_(options), painter_(std::move(painter)) {}

  absl::Status ReadFirst(const std::string& path);
  absl::Status ReadMasks(const std::string& path);
  void SetFigures(const cv::Mat& mask);
  void FindFigures(const CroppedFrame& frame);
  FigureMaps FigureOf(const FrameMotion& motion, size_t part, int64_t n) const;

  Animator& animator_;
  const VideoSourceOptions options_;
  BackgroundPainter painter_;
  std::unique_ptr<CroppedReader> reader_;
  CroppedFrame first_;
  std::optional<CropBlend> blend_;  // where parts are pasted back
  // One a part.
  std::vector<TransparentSource> prepared_;
  std::vector<torch::Tensor> shares_;  // [1, 1, H, W]; undefined: all
  std::vector<cv::Mat> figures_;  // CV_32FC1 of the model's size, if needed
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_VIDEO_SOURCE_H_
