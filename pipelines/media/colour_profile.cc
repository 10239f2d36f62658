#include "pipelines/media/colour_profile.h"

#include <lcms2.h>

#include <cmath>
#include <cstdint>
#include <memory>

#include "opencv2/imgproc.hpp"
#include "pipelines/media/wide_colours.h"

namespace pipelines::media {
namespace {

struct ProfileDeleter {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct TransformDeleter {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
struct CurveDeleter {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Profile = std::unique_ptr<void, ProfileDeleter>;
using Transform = std::unique_ptr<void, TransformDeleter>;
using Curve = std::unique_ptr<cmsToneCurve, CurveDeleter>;

constexpr Primaries kSrgb = {0.3127, 0.3290, 0.64, 0.33,
                             0.30,   0.60,   0.15, 0.06};

// The curve of sRGB for a gamma of 1 / 2.2, by which PNG means it.
Curve CurveOf(double gamma) {
  constexpr double kOfSrgb = 0.45455, kTolerance = 0.006;
  if (std::abs(gamma - kOfSrgb) > kTolerance) {
    return Curve(cmsBuildGamma(nullptr, 1 / gamma));
  }
  const cmsFloat64Number srgb[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92,
                                   0.04045};
  return Curve(cmsBuildParametricToneCurve(nullptr, 4, srgb));
}

Profile OfGamma(double gamma, const Primaries& xy) {
  const cmsCIExyY white = {xy[0], xy[1], 1};
  const cmsCIExyYTRIPLE primaries = {
      {xy[2], xy[3], 1}, {xy[4], xy[5], 1}, {xy[6], xy[7], 1}};
  const Curve curve = CurveOf(gamma);
  if (curve == nullptr) return nullptr;
  cmsToneCurve* const curves[] = {curve.get(), curve.get(), curve.get()};
  return Profile(cmsCreateRGBProfile(&white, &primaries, curves));
}

// Null where nothing is stated, or cannot be understood.
Profile OpenProfile(const ImageColours& colours) {
  cmsSetLogErrorHandler(nullptr);
  if (!colours.icc.empty()) {
    return Profile(cmsOpenProfileFromMem(
        colours.icc.data(), static_cast<cmsUInt32Number>(colours.icc.size())));
  }
  if (!colours.gamma) return nullptr;
  return OfGamma(*colours.gamma, colours.primaries.value_or(kSrgb));
}

Transform ToSrgbFrom(const Profile& profile, bool is_grey, int depth) {
  const Profile srgb(cmsCreate_sRGBProfile());
  const bool is_deep = depth == CV_16U;
  const cmsUInt32Number rgb = is_deep ? TYPE_BGR_16 : TYPE_BGR_8;
  const cmsUInt32Number grey = is_deep ? TYPE_GRAY_16 : TYPE_GRAY_8;
  return Transform(cmsCreateTransform(
      profile.get(), is_grey ? grey : rgb, srgb.get(), rgb,
      INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_BLACKPOINTCOMPENSATION));
}

// `from` has as many channels as the profile.
void Apply(const Transform& transform, const cv::Mat& from, cv::Mat* bgr) {
  for (int y = 0; y < from.rows; ++y) {
    cmsDoTransform(transform.get(), from.ptr(y), bgr->ptr(y),
                   static_cast<cmsUInt32Number>(from.cols));
  }
}

// Whether the transform changes no colour by more than two levels: what calls
// itself sRGB differs by rounding.
bool ChangesNothing(const Profile& profile) {
  constexpr int kSteps = 9;
  cv::Mat given(1, kSteps * kSteps * kSteps, CV_8UC3);
  for (int i = 0; i < given.cols; ++i) {
    const int step = 255 / (kSteps - 1);
    given.at<cv::Vec3b>(i) =
        cv::Vec3b(static_cast<uint8_t>(i % kSteps * step),
                  static_cast<uint8_t>(i / kSteps % kSteps * step),
                  static_cast<uint8_t>(i / (kSteps * kSteps) * step));
  }
  const Transform transform = ToSrgbFrom(profile, false, CV_8U);
  if (transform == nullptr) return true;
  cv::Mat shown(given.size(), CV_8UC3);
  Apply(transform, given, &shown);
  return cv::norm(given, shown, cv::NORM_INF) <= 2;
}

// The one channel of a grey picture; empty if its channels differ.
cv::Mat GreyOf(const cv::Mat& bgr) {
  cv::Mat blue, other;
  cv::extractChannel(bgr, blue, 0);
  for (const int channel : {1, 2}) {
    cv::extractChannel(bgr, other, channel);
    if (cv::norm(blue, other, cv::NORM_INF) > 0) return cv::Mat();
  }
  return blue;
}

// Row by row, so that no copy of the picture is needed.
void ConvertHdr(const HdrCode& code, cv::Mat* bgr) {
  const WideColours colours(
      static_cast<AVColorPrimaries>(code.primaries),
      static_cast<AVColorTransferCharacteristic>(code.transfer));
  constexpr double kSixteenBits = 65535.0 / 255;
  const double scale = bgr->depth() == CV_16U ? kSixteenBits : 1;
  cv::Mat rgb;
  for (int y = 0; y < bgr->rows; ++y) {
    cv::Mat row = bgr->row(y);
    cv::cvtColor(row, rgb, cv::COLOR_BGR2RGB);
    rgb.convertTo(rgb, CV_16U, kSixteenBits / scale);
    cv::cvtColor(colours.ToSrgb(rgb), rgb, cv::COLOR_RGB2BGR);
    rgb.convertTo(row, bgr->type(), scale);
  }
}

}  // namespace

void ConvertToSrgb(const ImageColours& colours, cv::Mat* bgr) {
  if (bgr->depth() != CV_8U && bgr->depth() != CV_16U) return;
  if (colours.hdr) return ConvertHdr(*colours.hdr, bgr);
  const Profile profile = OpenProfile(colours);
  if (profile == nullptr) return;
  const cmsColorSpaceSignature space = cmsGetColorSpace(profile.get());
  const bool is_grey = space == cmsSigGrayData;
  if (!is_grey && space != cmsSigRgbData) return;
  if (!is_grey && ChangesNothing(profile)) return;
  const Transform transform = ToSrgbFrom(profile, is_grey, bgr->depth());
  if (transform == nullptr) return;
  if (!is_grey) return Apply(transform, *bgr, bgr);
  // The profile says nothing of colours, so that of a picture with colours it
  // is wrong.
  const cv::Mat grey = GreyOf(*bgr);
  if (!grey.empty()) Apply(transform, grey, bgr);
}

}  // namespace pipelines::media
