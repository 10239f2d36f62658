// Colours beyond those of ordinary screens: HDR (PQ and HLG, [BT.2100]) and
// wide gamuts (BT.2020, Display P3), brought to sRGB. Private to this folder:
// rgb_converter.h uses it.
#ifndef PIPELINES_MEDIA_WIDE_COLOURS_H_
#define PIPELINES_MEDIA_WIDE_COLOURS_H_

#include <cstdint>
#include <vector>

#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {

bool IsHdr(AVColorTransferCharacteristic transfer);

// Converts frames with the tags of one video to sRGB.
class WideColours {
 public:
  // Whether frames with these tags are to be converted.
  static bool Has(AVColorPrimaries primaries,
                  AVColorTransferCharacteristic transfer);

  // Builds the tables of these tags; unspecified primaries of HDR are BT.2020.
  WideColours(AVColorPrimaries primaries,
              AVColorTransferCharacteristic transfer);

  // [h, w] CV_16UC3, RGB, full range, to [h, w] CV_8UC3 sRGB.
  //
  // HDR is shown as a screen of 1000 nits has it ([BT.2100], [BT.2408]), whose
  // reference white, 203 nits, is our white. The system gamma of HLG, 1.2, is
  // applied to each channel, as cameras and screens without HDR do, and not to
  // the luminance: colours are then as saturated as in a recording without HDR.
  // Linear light x, 1 at reference white, is kept up to 0.9 and runs smoothly
  // into 1 above:
  //
  //   (1) f(x) = x                                      x <= 0.9
  //   (2) f(x) = 0.9 + 0.1 (1 - exp(-(x - 0.9) / 0.1))  x >  0.9
  //
  // so that skin and clothes look as in a recording without HDR, and only
  // lights and reflections lose their steps. Reference white becomes 251. Wide
  // gamuts without HDR keep their greys; what sRGB cannot show is clipped.
  cv::Mat ToSrgb(const cv::Mat& rgb) const;

 private:
  uint8_t Encode(float light) const;

  cv::Matx33f srgb_from_wide_;
  std::vector<float> light_;    // of a code of 16 bits
  std::vector<uint8_t> codes_;  // of light, in steps of kLightStep
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_WIDE_COLOURS_H_
