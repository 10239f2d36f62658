// Pictures with colours of their own, as ReadImage shows them.
#include "pipelines/media/colour_profile.h"

#include <lcms2.h>
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgcodecs.hpp"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_chunks_test_util.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

std::string Saved(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  std::string bytes(size, '\0');
  cmsSaveProfileToMem(profile, bytes.data(), &size);
  cmsCloseProfile(profile);
  return bytes;
}

// Display P3: the primaries of phones' screens and the curve of sRGB.
std::string DisplayP3() {
  const cmsCIExyY white = {0.3127, 0.3290, 1};
  const cmsCIExyYTRIPLE primaries = {
      {0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
  const cmsFloat64Number srgb[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92,
                                   0.04045};
  cmsToneCurve* curve = cmsBuildParametricToneCurve(nullptr, 4, srgb);
  cmsToneCurve* const curves[] = {curve, curve, curve};
  const std::string profile =
      Saved(cmsCreateRGBProfile(&white, &primaries, curves));
  cmsFreeToneCurve(curve);
  return profile;
}

std::string LinearGrey() {
  cmsToneCurve* curve = cmsBuildGamma(nullptr, 1);
  const std::string profile = Saved(cmsCreateGrayProfile(cmsD50_xyY(), curve));
  cmsFreeToneCurve(curve);
  return profile;
}

std::string Encode(const std::string& ending, const cv::Mat& bgr) {
  std::vector<uchar> bytes;
  cv::imencode(ending, bgr, bytes, {cv::IMWRITE_JPEG_QUALITY, 100});
  return std::string(bytes.begin(), bytes.end());
}

std::string PngWith(const cv::Mat& bgr, const std::string& chunks) {
  constexpr size_t kHeaderEnd = 33;
  const std::string png = Encode(".png", bgr);
  return png.substr(0, kHeaderEnd) + chunks + png.substr(kHeaderEnd);
}

std::string PngProfile(const std::string& profile) {
  std::string packed(compressBound(profile.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(profile.data()), profile.size());
  return PngChunk("iCCP", std::string("icc\0\0", 5) + packed.substr(0, size));
}

// In two segments, the second first.
std::string JpegWith(const cv::Mat& bgr, const std::string& profile) {
  const auto segment = [](char number, const std::string& part) {
    const std::string content =
        std::string("ICC_PROFILE\0", 12) + number + std::string("\2", 1) + part;
    return "\xff\xe2" +
           BigEndianBytes(static_cast<uint32_t>(content.size() + 2)).substr(2) +
           content;
  };
  const std::string jpeg = Encode(".jpg", bgr);
  const size_t half = profile.size() / 2;
  return jpeg.substr(0, 2) + segment(2, profile.substr(half)) +
         segment(1, profile.substr(0, half)) + jpeg.substr(2);
}

std::string WebpWith(const cv::Mat& bgr, const std::string& profile) {
  std::vector<uchar> simple;
  cv::imencode(".webp", bgr, simple, {cv::IMWRITE_WEBP_QUALITY, 101});
  const std::string extended =
      std::string("\x20\0\0\0", 4) +
      LittleEndianBytes(static_cast<uint32_t>(bgr.cols - 1)).substr(0, 3) +
      LittleEndianBytes(static_cast<uint32_t>(bgr.rows - 1)).substr(0, 3);
  return RiffChunk("RIFF", "WEBP" + RiffChunk("VP8X", extended) +
                               RiffChunk("ICCP", profile) +
                               std::string(simple.begin() + 12, simple.end()));
}

cv::Vec3b Shown(const std::string& bytes) {
  const auto read = DecodeImage(bytes, "picture");
  EXPECT_THAT(read, IsOk());
  return read.ok() ? read->at<cv::Vec3b>(0) : cv::Vec3b();
}

void ExpectNear(const cv::Vec3b& shown, const cv::Vec3b& expected) {
  // A level of the tables, and one of JPEG.
  EXPECT_LE(cv::norm(shown, expected, cv::NORM_INF), 2)
      << shown << ", not " << expected;
}

// 230, 60, 60 of Display P3 is 251, 31, 49 of sRGB, by the matrices of
// [CSS Color 4, 10.4].
TEST(ReadImage, AppliesTheProfileOfEveryFormat) {
  const cv::Mat bgr(8, 8, CV_8UC3, cv::Scalar(60, 60, 230));
  const cv::Vec3b expected(251, 31, 49);
  const std::string profile = DisplayP3();
  ExpectNear(Shown(PngWith(bgr, PngProfile(profile))), expected);
  ExpectNear(Shown(JpegWith(bgr, profile)), expected);
  ExpectNear(Shown(WebpWith(bgr, profile)), expected);
  cv::Mat deep;
  bgr.convertTo(deep, CV_16U, 257);
  ExpectNear(Shown(PngWith(deep, PngProfile(profile))), expected);
}

TEST(ReadImage, KeepsWhatIsSrgbAlready) {
  cv::Mat bgr(1, 256, CV_8UC3);
  for (int i = 0; i < 256; ++i) {
    bgr.at<cv::Vec3b>(i) =
        cv::Vec3b(static_cast<uchar>(i), static_cast<uchar>(255 - i),
                  static_cast<uchar>(i * 7));
  }
  const auto plain = DecodeImage(Encode(".png", bgr), "plain");
  ASSERT_THAT(plain, IsOk());
  const std::string srgb = PngProfile(Saved(cmsCreate_sRGBProfile()));
  const std::string gamma = PngChunk("gAMA", BigEndianBytes(45455));
  const std::string linear = PngChunk("gAMA", BigEndianBytes(100000));
  const std::string broken = PngProfile(DisplayP3().substr(0, 200));
  for (const std::string& chunks :
       {srgb, gamma, srgb + linear,
        PngChunk("sRGB", std::string(1, '\0')) + linear, broken}) {
    const auto read = DecodeImage(PngWith(bgr, chunks), "stated");
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(cv::norm(*read, *plain, cv::NORM_INF), 0) << chunks.substr(4, 4);
  }
}

TEST(ReadImage, AppliesTheCodePointsOfAPng) {
  const cv::Mat bgr(2, 2, CV_8UC3, cv::Scalar(60, 60, 230));
  // RGB of the full range.
  const auto code = [](char primaries, char transfer) {
    return PngChunk("cICP", std::string{primaries, transfer, 0, 1});
  };
  ExpectNear(Shown(PngWith(bgr, code(12, 13))), cv::Vec3b(251, 31, 49));
  ExpectNear(Shown(PngWith(bgr, code(1, 13))), cv::Vec3b(230, 60, 60));
  // Reference white, 203 nits: 58 % by PQ and 75 % by HLG ([BT.2408, table 1]).
  cv::Mat pq(2, 2, CV_16UC3, cv::Scalar::all(0.5807 * 65535));
  ExpectNear(Shown(PngWith(pq, code(9, 16))), cv::Vec3b(251, 251, 251));
  const cv::Mat hlg(2, 2, CV_8UC3, cv::Scalar::all(0.75 * 255));
  ExpectNear(Shown(PngWith(hlg, code(9, 18))), cv::Vec3b(251, 251, 251));
}

// Half of the light is 188 of 255 by the curve of sRGB.
TEST(ReadImage, AppliesGamma) {
  const cv::Mat half(2, 2, CV_8UC3, cv::Scalar::all(128));
  ExpectNear(Shown(PngWith(half, PngChunk("gAMA", BigEndianBytes(100000)))),
             cv::Vec3b(188, 188, 188));
  const cv::Mat grey(2, 2, CV_8UC1, cv::Scalar(128));
  ExpectNear(Shown(PngWith(grey, PngProfile(LinearGrey()))),
             cv::Vec3b(188, 188, 188));
}

TEST(ReadImage, KeepsTheColoursOfAPictureWithAGreyProfile) {
  const cv::Mat colours(2, 2, CV_8UC3, cv::Scalar(20, 128, 200));
  ExpectNear(Shown(PngWith(colours, PngProfile(LinearGrey()))),
             cv::Vec3b(200, 128, 20));
  const cv::Mat grey(2, 2, CV_8UC3, cv::Scalar::all(128));
  ExpectNear(Shown(PngWith(grey, PngProfile(LinearGrey()))),
             cv::Vec3b(188, 188, 188));
}

TEST(ReadImage, AppliesPrimariesWithGamma) {
  // Display P3 in PNG's own words.
  std::string primaries;
  for (const uint32_t value :
       {31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000}) {
    primaries += BigEndianBytes(value);
  }
  const cv::Mat bgr(2, 2, CV_8UC3, cv::Scalar(60, 60, 230));
  ExpectNear(Shown(PngWith(bgr, PngChunk("gAMA", BigEndianBytes(45455)) +
                                    PngChunk("cHRM", primaries))),
             cv::Vec3b(251, 31, 49));
}

}  // namespace
}  // namespace pipelines::media
