// Decoded frames as pictures: RGB, upright, with square pixels. Private to this
// folder.
#ifndef PIPELINES_MEDIA_RGB_CONVERTER_H_
#define PIPELINES_MEDIA_RGB_CONVERTER_H_

#include <memory>
#include <optional>

#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/formats/image_colours.h"
#include "pipelines/media/wide_colours.h"

namespace pipelines::media {

// Whether colours of this matrix are converted as it says. Others, such as
// YCgCo and ICtCp, are taken as those of a frame that states none.
bool IsKnownMatrix(AVColorSpace matrix);

class RgbConverter {
 public:
  RgbConverter() = default;
  // `pixel_aspect` is the width of a stored pixel by its height; 0 if unknown.
  RgbConverter(const AVStream& stream, AVRational pixel_aspect);

  // For the frames that follow; 0 changes nothing.
  void SetPixelAspect(AVRational pixel_aspect);

  // For pictures that are read as a video: what they state of their colours,
  // and of how they are to be shown (EXIF, 1 to 8). What FFmpeg says of either
  // does not count then.
  void SetPicture(const ImageColours& colours, int orientation);

  // Of a stored frame of this size as it is shown.
  cv::Size ShownSize(cv::Size stored) const;

  // Of ShownSize, CV_8UC3, RGB, of any pixel format; empty when swscale cannot
  // do it. `alpha` becomes CV_8UC1, or empty where the frame is opaque. Matrix
  // and range of the colours are those that the frame states; where it states
  // none, BT.709 above 576 lines or from 1280 columns on, as players have it,
  // and BT.601 below; limited range. HDR and wide gamuts become sRGB
  // (wide_colours.h), what is transparent becomes white.
  cv::Mat Convert(const AVFrame& frame, cv::Mat* alpha);

 private:
  // The steps from the stored frame to the upright one, in this order.
  struct Orientation {
    bool transpose = false;
    bool flip_x = false;
    bool flip_y = false;
  };

  // What a scaler is made for.
  struct Scaling {
    int width, height, format;  // of the frame
    int matrix;                 // SWS_CS_*
    bool full_range;
    int to_width, to_height, to_format;

    bool operator==(const Scaling& other) const;
  };

  static Orientation ReadOrientation(const AVStream& stream);
  cv::Size SquarePixels(cv::Size stored) const;
  cv::Mat ConvertStored(const AVFrame& frame, cv::Size size, cv::Mat* alpha);
  // Opaque where `alpha` is null.
  cv::Mat ConvertWide(const AVFrame& frame, cv::Size size, cv::Mat* alpha);
  cv::Mat ConvertPicture(const AVFrame& frame, cv::Size size, cv::Mat* alpha);
  cv::Mat Upright(const cv::Mat& stored) const;
  cv::Mat Scale(const AVFrame& frame, cv::Size size, AVPixelFormat format,
                int type);
  const WideColours& WideColoursOf(const AVFrame& frame);

  // Formats of four numbers a pixel, the last of which may be anything.
  bool ignores_alpha_ = false;
  double pixel_aspect_ = 1;
  Orientation orientation_;
  std::optional<ImageColours> picture_colours_;
  Scaling scaling_ = {};
  ScalerPtr scaler_;
  std::unique_ptr<WideColours> wide_colours_;
  AVColorPrimaries primaries_ = AVCOL_PRI_UNSPECIFIED;  // of wide_colours_
  AVColorTransferCharacteristic transfer_ = AVCOL_TRC_UNSPECIFIED;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_RGB_CONVERTER_H_
