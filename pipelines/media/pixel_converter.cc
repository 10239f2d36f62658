#include "pipelines/media/pixel_converter.h"

#include <cstdint>

namespace pipelines::media {

bool PixelConverter::Convert(const cv::Mat& rgb, AVFrame* frame) {
  cv::Mat padded = rgb;
  if (rgb.cols != frame->width || rgb.rows != frame->height) {
    cv::copyMakeBorder(rgb, padded, 0, frame->height - rgb.rows, 0,
                       frame->width - rgb.cols, cv::BORDER_REPLICATE);
  }
  const bool has_alpha = rgb.channels() == 4;
  if (scaler_ == nullptr && !Open(*frame, has_alpha)) return false;
  // As many as any format has: sws_scale reads four of each.
  const uint8_t* const planes[4] = {padded.data};
  const int strides[4] = {static_cast<int>(padded.step)};
  return sws_scale(scaler_.get(), planes, strides, 0, frame->height,
                   frame->data, frame->linesize) == frame->height;
}

bool PixelConverter::Open(const AVFrame& frame, bool has_alpha) {
  scaler_.reset(sws_getContext(
      frame.width, frame.height, has_alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24,
      frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
      SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr,
      nullptr));
  if (scaler_ == nullptr) return false;
  if (frame.format == AV_PIX_FMT_RGB32) return true;
  const int* coefficients = sws_getCoefficients(frame.colorspace);
  sws_setColorspaceDetails(scaler_.get(), coefficients, 1, coefficients, 0, 0,
                           1 << 16, 1 << 16);
  return true;
}

}  // namespace pipelines::media
