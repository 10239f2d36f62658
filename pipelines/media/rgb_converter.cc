#include "pipelines/media/rgb_converter.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "opencv2/imgproc.hpp"
#include "pipelines/media/colour_profile.h"
#include "pipelines/media/transparency.h"
#include "third_party/ffmpeg/display_matrix.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

namespace pipelines::media {
namespace {

// What states nothing is of limited range, but for grey alone, which FFmpeg
// takes as it is.
bool HasFullRange(const AVFrame& frame) {
  if (frame.color_range != AVCOL_RANGE_UNSPECIFIED) {
    return frame.color_range == AVCOL_RANGE_JPEG;
  }
  const AVPixFmtDescriptor* const format =
      av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  return format != nullptr && format->nb_components <= 2;
}

// swscale's vectorised loops write whole blocks of pixels.
constexpr int kRowAlignment = 32;

// Interpolated colour at full resolution. Without SWS_ACCURATE_RND it takes
// half the time, but is off by 1.1 levels on average and by 6 at worst.
constexpr int kScaling = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT;

int ColourMatrix(const AVFrame& frame) {
  if (frame.colorspace == AVCOL_SPC_RGB) return SWS_CS_DEFAULT;
  const bool is_large = frame.height > 576 || frame.width >= 1280;
  if (IsKnownMatrix(frame.colorspace)) return frame.colorspace;
  if (IsHdr(frame.color_trc)) return SWS_CS_BT2020;
  return is_large ? SWS_CS_ITU709 : SWS_CS_DEFAULT;
}

bool HasFlag(const AVFrame& frame, uint64_t flag) {
  const AVPixFmtDescriptor* format =
      av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  return format != nullptr && format->flags & flag;
}

}  // namespace

// Those of which swscale has the coefficients, and RGB, which needs none.
bool IsKnownMatrix(AVColorSpace matrix) {
  switch (matrix) {
    case AVCOL_SPC_RGB:
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_SMPTE240M:
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return true;
    default:
      return false;
  }
}

// Uncompressed pictures of Windows, as in AVI files, have no code of their
// format, and leave the fourth number 0.
RgbConverter::RgbConverter(const AVStream& stream, AVRational pixel_aspect)
    : ignores_alpha_(stream.codecpar->codec_id == AV_CODEC_ID_RAWVIDEO &&
                     stream.codecpar->codec_tag == 0),
      orientation_(ReadOrientation(stream)) {
  SetPixelAspect(pixel_aspect);
}

void RgbConverter::SetPixelAspect(AVRational pixel_aspect) {
  if (pixel_aspect.num <= 0 || pixel_aspect.den <= 0) return;
  pixel_aspect_ = av_q2d(pixel_aspect);
}

// The display matrix maps stored (p, q) to shown (a p + c q, b p + d q); in
// video files it is a multiple of a quarter turn, at most with a reflection.
RgbConverter::Orientation RgbConverter::ReadOrientation(
    const AVStream& stream) {
  const int32_t* const matrix = ffmpeg::DisplayMatrix(stream);
  if (matrix == nullptr) return {};
  const int64_t a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
  const bool transpose = std::abs(b) > std::abs(a);
  return transpose ? Orientation{true, c < 0, b < 0}
                   : Orientation{false, a < 0, d < 0};
}

// Steps as those of Upright in image_io.h.
void RgbConverter::SetPicture(const ImageColours& colours, int orientation) {
  picture_colours_ = colours;
  orientation_.transpose = orientation >= 5;
  orientation_.flip_x = orientation == 2 || orientation == 3 ||
                        orientation == 6 || orientation == 7;
  orientation_.flip_y = orientation == 3 || orientation == 4 ||
                        orientation == 7 || orientation == 8;
}

// The shorter side grows, so that nothing is lost.
cv::Size RgbConverter::SquarePixels(cv::Size stored) const {
  const auto grown = [](int side, double factor) {
    return static_cast<int>(std::min(std::round(side * factor), 1e6));
  };
  return pixel_aspect_ >= 1
             ? cv::Size(grown(stored.width, pixel_aspect_), stored.height)
             : cv::Size(stored.width, grown(stored.height, 1 / pixel_aspect_));
}

cv::Size RgbConverter::ShownSize(cv::Size stored) const {
  cv::Size size = SquarePixels(stored);
  if (orientation_.transpose) std::swap(size.width, size.height);
  return size;
}

cv::Mat RgbConverter::Convert(const AVFrame& frame, cv::Mat* alpha) {
  alpha->release();
  const cv::Mat stored = ConvertStored(
      frame, SquarePixels(cv::Size(frame.width, frame.height)), alpha);
  if (stored.empty()) return stored;
  if (!alpha->empty()) *alpha = Upright(*alpha);
  return Upright(stored);
}

cv::Mat RgbConverter::Upright(const cv::Mat& stored) const {
  cv::Mat upright = stored.clone();
  if (orientation_.transpose) cv::transpose(stored, upright);
  if (orientation_.flip_x) cv::flip(upright, upright, 1);
  if (orientation_.flip_y) cv::flip(upright, upright, 0);
  return upright;
}

cv::Mat RgbConverter::ConvertStored(const AVFrame& frame, cv::Size size,
                                    cv::Mat* alpha) {
  const bool has_alpha =
      HasFlag(frame, AV_PIX_FMT_FLAG_ALPHA) && !ignores_alpha_;
  if (picture_colours_) {
    return ConvertPicture(frame, size, has_alpha ? alpha : nullptr);
  }
  if (WideColours::Has(frame.color_primaries, frame.color_trc)) {
    return ConvertWide(frame, size, has_alpha ? alpha : nullptr);
  }
  if (has_alpha) {
    const cv::Mat with_alpha = Scale(frame, size, AV_PIX_FMT_RGBA, CV_8UC4);
    if (with_alpha.empty()) return with_alpha;
    *alpha = AlphaOf(with_alpha);
    return OnWhite(with_alpha);
  }
  return Scale(frame, size, AV_PIX_FMT_RGB24, CV_8UC3);
}

cv::Mat RgbConverter::ConvertWide(const AVFrame& frame, cv::Size size,
                                  cv::Mat* alpha) {
  cv::Mat wide = alpha == nullptr
                     ? Scale(frame, size, AV_PIX_FMT_RGB48, CV_16UC3)
                     : Scale(frame, size, AV_PIX_FMT_RGBA64, CV_16UC4);
  if (wide.empty()) return wide;
  if (alpha != nullptr) {
    // The high byte: swscale's opaque is 255 * 256 or 65535.
    cv::extractChannel(wide, *alpha, 3);
    alpha->convertTo(*alpha, CV_8U, 1. / 256, -0.499);
    if (cv::countNonZero(*alpha != 255) == 0) alpha->release();
    cv::cvtColor(wide, wide, cv::COLOR_RGBA2RGB);
  }
  // From luma and chroma, swscale's white is 255 * 256.
  if (!HasFlag(frame, AV_PIX_FMT_FLAG_RGB)) {
    wide.convertTo(wide, CV_16U, 65535.0 / (255 * 256));
  }
  cv::Mat rgb = WideColoursOf(frame).ToSrgb(wide);
  if (alpha != nullptr && !alpha->empty()) PutOnWhite(*alpha, &rgb);
  return rgb;
}

// As a still: first its colours, then white where it is transparent.
cv::Mat RgbConverter::ConvertPicture(const AVFrame& frame, cv::Size size,
                                     cv::Mat* alpha) {
  cv::Mat picture = alpha == nullptr
                        ? Scale(frame, size, AV_PIX_FMT_RGB24, CV_8UC3)
                        : Scale(frame, size, AV_PIX_FMT_RGBA, CV_8UC4);
  if (picture.empty()) return picture;
  if (alpha != nullptr) *alpha = AlphaOf(picture);
  cv::cvtColor(picture, picture,
               alpha == nullptr ? cv::COLOR_RGB2BGR : cv::COLOR_RGBA2BGR);
  ConvertToSrgb(*picture_colours_, &picture);
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  if (alpha != nullptr && !alpha->empty()) PutOnWhite(*alpha, &picture);
  return picture;
}

const WideColours& RgbConverter::WideColoursOf(const AVFrame& frame) {
  if (wide_colours_ == nullptr || frame.color_primaries != primaries_ ||
      frame.color_trc != transfer_) {
    primaries_ = frame.color_primaries;
    transfer_ = frame.color_trc;
    wide_colours_ = std::make_unique<WideColours>(primaries_, transfer_);
  }
  return *wide_colours_;
}

cv::Mat RgbConverter::Scale(const AVFrame& frame, cv::Size size,
                            AVPixelFormat format, int type) {
  const Scaling scaling = {
      frame.width,         frame.height, frame.format, ColourMatrix(frame),
      HasFullRange(frame), size.width,   size.height,  format};
  if (scaler_ == nullptr || !(scaling == scaling_)) {
    scaling_ = scaling;
    scaler_.reset(sws_getContext(
        frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
        size.width, size.height, format, kScaling, nullptr, nullptr, nullptr));
    if (scaler_ == nullptr) return cv::Mat();
    sws_setColorspaceDetails(
        scaler_.get(), sws_getCoefficients(scaling.matrix), scaling.full_range,
        sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  }
  cv::Mat rows(size.height, (size.width / kRowAlignment + 1) * kRowAlignment,
               type);
  // As many as any format has: sws_scale reads four of each.
  uint8_t* const planes[4] = {rows.data};
  const int strides[4] = {static_cast<int>(rows.step)};
  const int height = sws_scale(scaler_.get(), frame.data, frame.linesize, 0,
                               frame.height, planes, strides);
  if (height != size.height) return cv::Mat();
  return rows.colRange(0, size.width);
}

bool RgbConverter::Scaling::operator==(const Scaling& other) const {
  const auto values = [](const Scaling& s) {
    return std::make_tuple(s.width, s.height, s.format, s.matrix, s.full_range,
                           s.to_width, s.to_height, s.to_format);
  };
  return values(*this) == values(other);
}

}  // namespace pipelines::media
