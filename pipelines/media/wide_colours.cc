#include "pipelines/media/wide_colours.h"

#include <algorithm>
#include <cmath>

namespace pipelines::media {
namespace {

constexpr int kCodes = 65536;            // of 16 bits
constexpr double kReferenceWhite = 203;  // nits, [BT.2408, 2.1]
constexpr double kHlgPeak = 1000;        // nits, of the reference display

// Light from 0 to 2 is looked up in steps that are a tenth of the smallest one
// of sRGB; above, all is white.
constexpr float kBrightest = 2;
constexpr float kLightStep = kBrightest / (kCodes - 1);

// [BT.2100, table 4] The EOTF of PQ, in nits.
double PqToNits(double code) {
  constexpr double kM1 = 2610.0 / 16384, kM2 = 2523.0 / 4096 * 128;
  constexpr double kC1 = 3424.0 / 4096, kC2 = 2413.0 / 4096 * 32,
                   kC3 = 2392.0 / 4096 * 32;
  const double power = std::pow(code, 1 / kM2);
  return 10000 *
         std::pow(std::max(power - kC1, 0.0) / (kC2 - kC3 * power), 1 / kM1);
}

// [BT.2100, table 5] The inverse OETF of HLG, which gives light of the scene, 0
// to 1, and the gamma of a screen of 1000 nits; in nits.
double HlgToNits(double code) {
  constexpr double kA = 0.17883277, kB = 1 - 4 * kA;
  const double c = 0.5 - kA * std::log(4 * kA);
  constexpr double kGamma = 1.2;
  const double scene =
      code <= 0.5 ? code * code / 3 : (std::exp((code - c) / kA) + kB) / 12;
  return kHlgPeak * std::pow(scene, kGamma);
}

double SrgbToLight(double code) {
  return code <= 0.04045 ? code / 12.92 : std::pow((code + 0.055) / 1.055, 2.4);
}

double ToLight(double code, AVColorTransferCharacteristic transfer) {
  if (transfer == AVCOL_TRC_ARIB_STD_B67) {
    return HlgToNits(code) / kReferenceWhite;
  }
  if (transfer == AVCOL_TRC_SMPTE2084) return PqToNits(code) / kReferenceWhite;
  return SrgbToLight(code);
}

double LightToSrgb(double light) {
  return light <= 0.0031308 ? light * 12.92
                            : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

// Formulas (1) and (2) of the header.
double Shoulder(double light) {
  constexpr double kBegin = 0.9;
  if (light <= kBegin) return light;
  return kBegin +
         (1 - kBegin) * (1 - std::exp((kBegin - light) / (1 - kBegin)));
}

// Chromaticities x, y of red, green and blue; the white of all is D65.
cv::Matx33d XyzFromRgb(const double (&xy)[3][2]) {
  constexpr double kWhiteX = 0.3127, kWhiteY = 0.3290;
  cv::Matx33d primaries;
  for (int i = 0; i < 3; ++i) {
    primaries(0, i) = xy[i][0];
    primaries(1, i) = xy[i][1];
    primaries(2, i) = 1 - xy[i][0] - xy[i][1];
  }
  const cv::Vec3d white(kWhiteX / kWhiteY, 1,
                        (1 - kWhiteX - kWhiteY) / kWhiteY);
  const cv::Vec3d scale = primaries.inv() * white;
  return primaries * cv::Matx33d::diag(scale);
}

constexpr double kBt709[3][2] = {{0.64, 0.33}, {0.30, 0.60}, {0.15, 0.06}};
constexpr double kBt2020[3][2] = {
    {0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}};
constexpr double kDisplayP3[3][2] = {
    {0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}};

bool IsBt2020(AVColorPrimaries primaries,
              AVColorTransferCharacteristic transfer) {
  return primaries == AVCOL_PRI_BT2020 ||
         (primaries == AVCOL_PRI_UNSPECIFIED && IsHdr(transfer));
}

cv::Matx33d SrgbFromWide(AVColorPrimaries primaries,
                         AVColorTransferCharacteristic transfer) {
  const cv::Matx33d srgb = XyzFromRgb(kBt709).inv();
  if (IsBt2020(primaries, transfer)) return srgb * XyzFromRgb(kBt2020);
  if (primaries == AVCOL_PRI_SMPTE432) return srgb * XyzFromRgb(kDisplayP3);
  return cv::Matx33d::eye();
}

}  // namespace

bool IsHdr(AVColorTransferCharacteristic transfer) {
  return transfer == AVCOL_TRC_ARIB_STD_B67 || transfer == AVCOL_TRC_SMPTE2084;
}

bool WideColours::Has(AVColorPrimaries primaries,
                      AVColorTransferCharacteristic transfer) {
  return IsHdr(transfer) || primaries == AVCOL_PRI_BT2020 ||
         primaries == AVCOL_PRI_SMPTE432;
}

WideColours::WideColours(AVColorPrimaries primaries,
                         AVColorTransferCharacteristic transfer)
    : srgb_from_wide_(SrgbFromWide(primaries, transfer)),
      light_(kCodes),
      codes_(kCodes) {
  for (size_t i = 0; i < kCodes; ++i) {
    const double code = static_cast<double>(i) / (kCodes - 1);
    light_[i] = static_cast<float>(ToLight(code, transfer));
    const double light = static_cast<double>(i) * kLightStep;
    const double shown =
        IsHdr(transfer) ? Shoulder(light) : std::min(light, 1.0);
    codes_[i] = static_cast<uint8_t>(std::lround(255 * LightToSrgb(shown)));
  }
}

uint8_t WideColours::Encode(float light) const {
  const float bounded = std::min(std::max(light, 0.0f), kBrightest);
  // The nearest step, without a call for each channel of each pixel.
  // NOLINTNEXTLINE(bugprone-incorrect-roundings)
  return codes_[static_cast<size_t>(bounded / kLightStep + 0.5f)];
}

cv::Mat WideColours::ToSrgb(const cv::Mat& rgb) const {
  cv::Mat result(rgb.size(), CV_8UC3);
  for (int y = 0; y < rgb.rows; ++y) {
    const auto* from = rgb.ptr<cv::Vec3w>(y);
    auto* to = result.ptr<cv::Vec3b>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      const cv::Vec3f light =
          srgb_from_wide_ *
          cv::Vec3f(light_[from[x][0]], light_[from[x][1]], light_[from[x][2]]);
      to[x] = cv::Vec3b(Encode(light[0]), Encode(light[1]), Encode(light[2]));
    }
  }
  return result;
}

}  // namespace pipelines::media
