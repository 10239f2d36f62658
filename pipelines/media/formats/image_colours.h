// What an image file says of its colours: an ICC profile, or PNG's gamma and
// primaries, or code points of HDR. Private to pipelines/media, where
// colour_profile.h applies it.
#ifndef PIPELINES_MEDIA_FORMATS_IMAGE_COLOURS_H_
#define PIPELINES_MEDIA_FORMATS_IMAGE_COLOURS_H_

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace pipelines::media {

// Chromaticities x, y of white, red, green and blue.
using Primaries = std::array<double, 8>;

// Code points of [H.273].
struct HdrCode {
  int primaries;
  int transfer;  // 16, PQ, or 18, HLG
};

// All empty: sRGB, stated or not.
struct ImageColours {
  std::string icc;                     // the bytes of a profile
  std::optional<double> gamma;         // a sample is light to the power of it
  std::optional<Primaries> primaries;  // with `gamma` only
  std::optional<HdrCode> hdr;          // without all others
};

// Of PNG (cICP, iCCP, sRGB, gAMA, cHRM), JPEG (APP2), WebP (ICCP), TIFF (tag
// 34675) and JP2 (colr); nothing for other formats and for what cannot be read.
ImageColours ReadImageColours(std::string_view bytes);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_IMAGE_COLOURS_H_
