// Colours of pictures to sRGB, by Little CMS. Private to this folder.
#ifndef PIPELINES_MEDIA_COLOUR_PROFILE_H_
#define PIPELINES_MEDIA_COLOUR_PROFILE_H_

#include "opencv2/core.hpp"
#include "pipelines/media/formats/image_colours.h"

namespace pipelines::media {

// Converts `bgr`, [h, w] of three channels of 8 or 16 bits, in place: relative
// colorimetric, with black point compensation; HDR as wide_colours.h shows it.
// Leaves it as it is where
// `colours` are sRGB within two levels, where a profile is damaged or is one of
// another kind than RGB and grey (a CMYK image has been made RGB before) or is
// grey and the picture is not, and where samples are floats.
void ConvertToSrgb(const ImageColours& colours, cv::Mat* bgr);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_COLOUR_PROFILE_H_
