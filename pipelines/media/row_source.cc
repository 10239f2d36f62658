// Tested by frame_source_test.cc.
#include "pipelines/media/row_source.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_folder.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

// An image of 138 bytes can be a row of 60000 frames of one pixel, which are
// none.
constexpr int kMinSide = 8;

absl::StatusOr<int> CountFrames(cv::Size row, int min_frames,
                                const std::string& path) {
  if (row.width % row.height != 0) return 1;
  const int count = row.width / row.height;
  if (count < min_frames) return 1;
  if (count == 1 || row.height >= kMinSide) return count;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": a row of ", count, " frames of ", row.height, "x", row.height,
      " pixels; frames must have at least ", kMinSide, "x", kMinSide));
}

class RowSource : public FrameSource {
 public:
  RowSource(const ImageWithAlpha& row, int num_frames, Rational rate)
      : row_(row),
        info_(
            ImageSequenceInfo(cv::Size(row.rgb.cols / num_frames, row.rgb.rows),
                              num_frames, rate)) {
    info_.is_still = num_frames == 1;
  }

  const VideoInfo& info() const override { return info_; }

  absl::StatusOr<std::optional<VideoFrame>> Next() override {
    if (next_ == *info_.num_frames) return std::nullopt;
    const int begin = static_cast<int>(next_) * info_.width;
    VideoFrame frame;
    if (info_.is_still) {  // it may be large
      frame.rgb = std::move(row_.rgb);
      frame.alpha = std::move(row_.alpha);
    } else {
      const cv::Range columns(begin, begin + info_.width);
      frame.rgb = row_.rgb.colRange(columns).clone();
      if (!row_.alpha.empty()) {
        frame.alpha = row_.alpha.colRange(columns).clone();
      }
    }
    frame.pts = next_++;
    frame.duration = 1;
    return frame;
  }

  absl::StatusOr<int64_t> Count() override {
    next_ = *info_.num_frames;
    return next_;
  }

 private:
  ImageWithAlpha row_;
  VideoInfo info_;
  int64_t next_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSource>> OpenRowSource(
    const MediaInput& input, const FrameSourceOptions& options) {
  ASSIGN_OR_RETURN(const ImageWithAlpha row,
                   input.bytes == nullptr
                       ? ReadImageWithAlpha(input.name)
                       : DecodeImageWithAlpha(*input.bytes, input.name));
  ASSIGN_OR_RETURN(
      const int num_frames,
      CountFrames(row.rgb.size(), options.min_stacked_frames, input.name));
  return std::make_unique<RowSource>(row, num_frames, options.image_rate);
}

}  // namespace pipelines::media
