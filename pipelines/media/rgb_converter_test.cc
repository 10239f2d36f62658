#include "pipelines/media/rgb_converter.h"

#include <algorithm>
#include <memory>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/transparency.h"
#include "third_party/ffmpeg/display_matrix.h"

extern "C" {
#include <libavutil/display.h>
}

namespace pipelines::media {
namespace {

struct FormatDeleter {
  void operator()(AVFormatContext* format) const {
    avformat_free_context(format);
  }
};

// A stream of a file that there is not.
class RgbConverterTest : public testing::Test {
 protected:
  std::unique_ptr<AVFormatContext, FormatDeleter> format_{
      avformat_alloc_context()};
  AVStream* stream_ = avformat_new_stream(format_.get(), nullptr);
};

// A way to show a picture, and what becomes of the stored one.
struct Turn {
  double degrees;  // clockwise
  bool flip_x, flip_y;
  int rotation;  // cv::RotateFlags, or -1
};

void SetDisplayMatrix(const Turn& turn, AVStream* stream) {
  int32_t* const matrix = ffmpeg::NewDisplayMatrix(stream);
  av_display_rotation_set(matrix, turn.degrees);
  av_display_matrix_flip(matrix, turn.flip_x, turn.flip_y);
}

FramePtr NewFrame(cv::Size size, AVPixelFormat format) {
  FramePtr frame(av_frame_alloc());
  frame->width = size.width;
  frame->height = size.height;
  frame->format = format;
  EXPECT_GE(av_frame_get_buffer(frame.get(), 0), 0);
  return frame;
}

// A frame of interleaved bytes.
FramePtr FrameOf(const cv::Mat& picture, AVPixelFormat format) {
  FramePtr frame = NewFrame(picture.size(), format);
  for (int y = 0; y < picture.rows; ++y) {
    std::copy_n(picture.ptr(y),
                picture.cols * static_cast<int>(picture.elemSize()),
                frame->data[0] + y * frame->linesize[0]);
  }
  return frame;
}

cv::Mat RandomPicture(cv::Size size, int type) {
  cv::Mat picture(size, type);
  cv::RNG(5).fill(picture, cv::RNG::UNIFORM, 0, 256);
  return picture;
}

FramePtr FrameOfOneColour(cv::Size size, int luma, int blue, int red) {
  FramePtr frame = NewFrame(size, AV_PIX_FMT_YUV420P);
  const int levels[] = {luma, blue, red};
  for (int plane = 0; plane < 3; ++plane) {
    const int height = plane == 0 ? size.height : size.height / 2;
    std::fill_n(frame->data[plane], frame->linesize[plane] * height,
                static_cast<uint8_t>(levels[plane]));
  }
  return frame;
}

// [BT.601], [BT.709]: weights of red and blue in luma.
constexpr double kBt601[] = {0.299, 0.114};
constexpr double kBt709[] = {0.2126, 0.0722};

// The colour of (luma, blue, red) by the definition.
cv::Vec3d ByDefinition(const double (&weights)[2], bool full_range, int luma,
                       int blue, int red) {
  const double y = full_range ? luma / 255. : (luma - 16) / 219.;
  const double b = (blue - 128) / (full_range ? 255. : 224.);
  const double r = (red - 128) / (full_range ? 255. : 224.);
  const double of_red = weights[0], of_blue = weights[1];
  const double shown_red = y + 2 * (1 - of_red) * r;
  const double shown_blue = y + 2 * (1 - of_blue) * b;
  const double shown_green =
      (y - of_red * shown_red - of_blue * shown_blue) / (1 - of_red - of_blue);
  return 255 * cv::Vec3d(shown_red, shown_green, shown_blue);
}

// swscale computes with 14 bits and rounds twice: half a level each, and what
// the coefficients are off.
constexpr double kTolerance = 1.5;

void ExpectColour(const cv::Mat& picture, const cv::Vec3d& colour) {
  ASSERT_FALSE(picture.empty());
  for (const cv::Point at :
       {cv::Point(0, 0), cv::Point(picture.cols - 1, picture.rows - 1)}) {
    EXPECT_LE(
        cv::norm(cv::Vec3d(picture.at<cv::Vec3b>(at)) - colour, cv::NORM_INF),
        kTolerance)
        << at << ": " << picture.at<cv::Vec3b>(at) << " for " << colour;
  }
}

TEST_F(RgbConverterTest, LeavesRgbAsItIs) {
  const cv::Mat picture = RandomPicture({37, 23}, CV_8UC3);
  RgbConverter converter(*stream_, {0, 1});
  cv::Mat alpha;
  const cv::Mat shown =
      converter.Convert(*FrameOf(picture, AV_PIX_FMT_RGB24), &alpha);
  EXPECT_EQ(cv::norm(shown, picture, cv::NORM_INF), 0);
  EXPECT_TRUE(alpha.empty());
}

// As of an animated PNG, and of cameras that measure.
TEST_F(RgbConverterTest, KeepsTheLevelsOfGreyThatStatesNoRange) {
  RgbConverter converter(*stream_, {1, 1});
  cv::Mat alpha;
  for (const int level : {5, 50, 128, 200, 250}) {
    const cv::Vec3d expected = cv::Vec3d::all(level);
    const cv::Mat with_alpha(12, 16, CV_8UC2, cv::Scalar(level, 255));
    ExpectColour(
        converter.Convert(*FrameOf(with_alpha, AV_PIX_FMT_YA8), &alpha),
        expected);
    const cv::Mat fine(12, 16, CV_16UC1, cv::Scalar(257 * level));
    ExpectColour(converter.Convert(*FrameOf(fine, AV_PIX_FMT_GRAY16LE), &alpha),
                 expected);
  }
}

TEST_F(RgbConverterTest, TurnsAndFlipsAsTheFileSays) {
  const cv::Mat picture = RandomPicture({8, 6}, CV_8UC3);
  const Turn kTurns[] = {{0, false, false, -1},
                         {90, false, false, cv::ROTATE_90_CLOCKWISE},
                         {180, false, false, cv::ROTATE_180},
                         {270, false, false, cv::ROTATE_90_COUNTERCLOCKWISE},
                         {0, true, false, -1},
                         {0, false, true, -1},
                         {90, true, false, cv::ROTATE_90_CLOCKWISE}};
  for (const Turn& turn : kTurns) {
    AVStream* const stream = avformat_new_stream(format_.get(), nullptr);
    SetDisplayMatrix(turn, stream);
    cv::Mat expected = picture.clone();
    if (turn.rotation >= 0) cv::rotate(picture, expected, turn.rotation);
    if (turn.flip_x) cv::flip(expected, expected, 1);
    if (turn.flip_y) cv::flip(expected, expected, 0);
    RgbConverter converter(*stream, {1, 1});
    EXPECT_EQ(converter.ShownSize(picture.size()), expected.size());
    cv::Mat alpha;
    const cv::Mat shown =
        converter.Convert(*FrameOf(picture, AV_PIX_FMT_RGB24), &alpha);
    ASSERT_EQ(shown.size(), expected.size());
    EXPECT_EQ(cv::norm(shown, expected, cv::NORM_INF), 0)
        << turn.degrees << turn.flip_x << turn.flip_y;
  }
}

TEST_F(RgbConverterTest, MakesPixelsSquareByEnlarging) {
  struct {
    AVRational aspect;
    cv::Size shown;
  } const kCases[] = {{{0, 1}, {20, 10}},   {{1, 1}, {20, 10}},
                      {{2, 1}, {40, 10}},   {{1, 2}, {20, 20}},
                      {{64, 45}, {28, 10}}, {{-1, 1}, {20, 10}}};
  const FramePtr frame = FrameOfOneColour({20, 10}, 100, 128, 128);
  for (const auto& [aspect, shown] : kCases) {
    RgbConverter converter(*stream_, aspect);
    EXPECT_EQ(converter.ShownSize({20, 10}), shown) << aspect.num;
    cv::Mat alpha;
    EXPECT_EQ(converter.Convert(*frame, &alpha).size(), shown) << aspect.num;
  }
}

TEST_F(RgbConverterTest, TakesSmallUntaggedFramesForBt601AndLargeForBt709) {
  RgbConverter converter(*stream_, {1, 1});
  cv::Mat alpha;
  ExpectColour(
      converter.Convert(*FrameOfOneColour({64, 576}, 90, 110, 170), &alpha),
      ByDefinition(kBt601, false, 90, 110, 170));
  for (const cv::Size large : {cv::Size(1280, 16), cv::Size(16, 578)}) {
    ExpectColour(
        converter.Convert(*FrameOfOneColour(large, 90, 110, 170), &alpha),
        ByDefinition(kBt709, false, 90, 110, 170));
  }
}

// swscale has no coefficients of these.
TEST_F(RgbConverterTest, TakesAMatrixThatItDoesNotKnowForNone) {
  RgbConverter converter(*stream_, {1, 1});
  for (const AVColorSpace space :
       {AVCOL_SPC_YCGCO, AVCOL_SPC_SMPTE2085, AVCOL_SPC_ICTCP}) {
    EXPECT_FALSE(IsKnownMatrix(space));
    const FramePtr frame = FrameOfOneColour({1280, 16}, 90, 110, 170);
    frame->colorspace = space;
    cv::Mat alpha;
    ExpectColour(converter.Convert(*frame, &alpha),
                 ByDefinition(kBt709, false, 90, 110, 170));
  }
}

// Frames of one stream that state different things, one after the other.
TEST_F(RgbConverterTest, TakesTheMatrixAndTheRangeThatEachFrameStates) {
  RgbConverter converter(*stream_, {1, 1});
  struct {
    AVColorSpace space;
    AVColorRange range;
    const double (&weights)[2];
  } const kCases[] = {{AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, kBt601},
                      {AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, kBt709},
                      {AVCOL_SPC_BT709, AVCOL_RANGE_JPEG, kBt709},
                      {AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG, kBt601},
                      {AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, kBt601}};
  for (const auto& [space, range, weights] : kCases) {
    const FramePtr frame = FrameOfOneColour({32, 32}, 90, 110, 170);
    frame->colorspace = space;
    frame->color_range = range;
    cv::Mat alpha;
    SCOPED_TRACE(testing::Message() << space << " " << range);
    ExpectColour(
        converter.Convert(*frame, &alpha),
        ByDefinition(weights, range == AVCOL_RANGE_JPEG, 90, 110, 170));
  }
}

TEST_F(RgbConverterTest, PutsWhatCanBeSeenThroughOnWhite) {
  const cv::Mat picture = RandomPicture({16, 12}, CV_8UC4);
  RgbConverter converter(*stream_, {1, 1});
  cv::Mat alpha, expected_alpha;
  const cv::Mat shown =
      converter.Convert(*FrameOf(picture, AV_PIX_FMT_RGBA), &alpha);
  cv::extractChannel(picture, expected_alpha, 3);
  EXPECT_EQ(cv::norm(alpha, expected_alpha, cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(shown, OnWhite(picture), cv::NORM_INF), 0);
}

TEST_F(RgbConverterTest, HasNoAlphaWhereAFrameIsOpaque) {
  cv::Mat picture = RandomPicture({16, 12}, CV_8UC4);
  cv::insertChannel(cv::Mat(picture.size(), CV_8UC1, cv::Scalar(255)), picture,
                    3);
  RgbConverter converter(*stream_, {1, 1});
  cv::Mat alpha(3, 3, CV_8UC1);  // of a frame before
  converter.Convert(*FrameOf(picture, AV_PIX_FMT_RGBA), &alpha);
  EXPECT_TRUE(alpha.empty());
}

// Also of luma and chroma, of which swscale makes other numbers.
TEST_F(RgbConverterTest, PutsWideColoursOnWhiteToo) {
  for (const AVPixelFormat format : {AV_PIX_FMT_RGBA, AV_PIX_FMT_YUVA444P}) {
    FramePtr frame = NewFrame({16, 4}, format);
    frame->color_primaries = AVCOL_PRI_SMPTE432;
    frame->color_trc = AVCOL_TRC_IEC61966_2_1;
    const bool is_rgb = format == AV_PIX_FMT_RGBA;
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 16; ++x) {
        // Black: hidden, half seen, opaque and opaque.
        const int alphas[] = {0, 128, 255, 255};
        const auto alpha = static_cast<uint8_t>(alphas[x / 4]);
        for (int c = 0; c < 4; ++c) {
          const int levels[] = {is_rgb ? 0 : 16, is_rgb ? 0 : 128,
                                is_rgb ? 0 : 128, alpha};
          uint8_t* const row =
              frame->data[is_rgb ? 0 : c] + y * frame->linesize[is_rgb ? 0 : c];
          row[is_rgb ? 4 * x + c : x] = static_cast<uint8_t>(levels[c]);
        }
      }
    }
    RgbConverter converter(*stream_, {1, 1});
    cv::Mat alpha;
    const cv::Mat shown = converter.Convert(*frame, &alpha);
    ASSERT_FALSE(alpha.empty()) << format;
    const int expected[] = {0, 128, 255, 255};
    for (int part = 0; part < 4; ++part) {
      EXPECT_EQ(alpha.at<uint8_t>(2, 4 * part + 1), expected[part]) << format;
      EXPECT_EQ(shown.at<cv::Vec3b>(2, 4 * part + 1)[0], 255 - expected[part])
          << format;
    }
  }
}

TEST_F(RgbConverterTest, KeepsTheAlphaOfRawPicturesWithACode) {
  stream_->codecpar->codec_id = AV_CODEC_ID_RAWVIDEO;
  stream_->codecpar->codec_tag = MKTAG('R', 'G', 'B', 'A');
  const cv::Mat picture = RandomPicture({16, 12}, CV_8UC4);
  cv::Mat alpha;
  EXPECT_EQ(cv::norm(RgbConverter(*stream_, {1, 1})
                         .Convert(*FrameOf(picture, AV_PIX_FMT_RGBA), &alpha),
                     OnWhite(picture), cv::NORM_INF),
            0);
}

// In AVI files the fourth number of uncompressed RGB is 0.
TEST_F(RgbConverterTest, TakesRawPicturesForOpaque) {
  stream_->codecpar->codec_id = AV_CODEC_ID_RAWVIDEO;
  cv::Mat picture = RandomPicture({16, 12}, CV_8UC4), rgb(12, 16, CV_8UC3);
  cv::insertChannel(cv::Mat::zeros(picture.size(), CV_8UC1), picture, 3);
  RgbConverter converter(*stream_, {1, 1});
  cv::Mat alpha;
  const cv::Mat shown =
      converter.Convert(*FrameOf(picture, AV_PIX_FMT_RGBA), &alpha);
  EXPECT_TRUE(alpha.empty());
  const int kChannels[] = {0, 0, 1, 1, 2, 2};
  cv::mixChannels(&picture, 1, &rgb, 1, kChannels, 3);
  EXPECT_EQ(cv::norm(shown, rgb, cv::NORM_INF), 0);
}

}  // namespace
}  // namespace pipelines::media
