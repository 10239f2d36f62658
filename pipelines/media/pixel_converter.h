// Pixels as encoders and devices take them. Private to this folder.
#ifndef PIPELINES_MEDIA_PIXEL_CONVERTER_H_
#define PIPELINES_MEDIA_PIXEL_CONVERTER_H_

#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {

// Converts RGB or RGBA to YCbCr of limited range by the frame's matrix, with
// alpha where the frame's format has it, or to RGB32. All frames of one
// converter have one size and format.
class PixelConverter {
 public:
  // rgb: CV_8UC3 or CV_8UC4, at most as large as `frame`, whose last column and
  // row are repeated where it is smaller. Whether it could be done.
  bool Convert(const cv::Mat& rgb, AVFrame* frame);

 private:
  bool Open(const AVFrame& frame, bool has_alpha);

  ScalerPtr scaler_;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_PIXEL_CONVERTER_H_
