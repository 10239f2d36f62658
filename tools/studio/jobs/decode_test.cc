#include "tools/studio/jobs/decode.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/motion_file.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

namespace media = pipelines::media;
using ::absl::StatusCode;
using ::networks::files::ReadText;
using ::testing::HasSubstr;

Bytes Shared(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

cv::Mat Plain(int width, int height, const cv::Scalar& colour) {
  return {height, width, CV_8UC3, colour};
}

Bytes Picture(const cv::Mat& picture, const char* ending = ".png") {
  return Shared(*media::EncodeImage(picture, ending, "test"));
}

class DecodeTest : public networks::files::FolderTest {
 protected:
  // Frame number i is grey of brightness 10 i.
  Bytes Video(int frames) {
    media::VideoWriterOptions options;
    options.width = 48;
    options.height = 32;
    options.frame_rate = {10, 1};
    auto writer = media::VideoWriter::Create(Path("video.mp4"), options);
    EXPECT_THAT(writer, IsOk());
    for (int i = 0; i < frames; ++i) {
      EXPECT_THAT((*writer)->Write(Plain(48, 32, cv::Scalar::all(10 * i))),
                  IsOk());
    }
    EXPECT_THAT((*writer)->Finish(), IsOk());
    return Shared(ReadText(Path("video.mp4")));
  }

  Bytes Motion(int frames) {
    pipelines::RecordedMotion motion;
    motion.num_sets = 1;
    motion.keypoints_per_set = 2;
    auto writer = pipelines::MotionFileWriter::Create(Path("motion"), motion);
    EXPECT_THAT(writer, IsOk());
    for (int i = 0; i < frames; ++i) {
      // Top left and bottom right.
      const std::vector<float> keypoints = {-0.5F, -0.5F, 0.5F, 0.5F};
      writer->Add(keypoints.data(), i, 1);
    }
    EXPECT_THAT(writer->Finish(), IsOk());
    return Shared(ReadText(Path("motion")));
  }
};

// Mean brightness of what a preview shows.
double Brightness(const std::string& png) {
  const auto picture = media::DecodeImage(png, "the preview");
  EXPECT_THAT(picture, IsOk());
  const cv::Scalar mean = cv::mean(*picture);
  return (mean[0] + mean[1] + mean[2]) / 3;
}

TEST_F(DecodeTest, FindsTheFactsOfEachKind) {
  const auto picture =
      ProbeMedia(Picture(Plain(30, 20, {1, 2, 3})), MediaKind::kImage);
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->width, 30);
  EXPECT_EQ(picture->height, 20);
  EXPECT_EQ(picture->frames, 1);
  EXPECT_EQ(picture->fps, 0);
  const auto video = ProbeMedia(Video(7), MediaKind::kVideo);
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ(video->width, 48);
  EXPECT_EQ(video->frames, 7);
  EXPECT_DOUBLE_EQ(video->fps, 10);
  EXPECT_NEAR(video->seconds, 0.7, 0.01);
  EXPECT_FALSE(video->sound);
  const auto motion = ProbeMedia(Motion(3), MediaKind::kMotion);
  ASSERT_THAT(motion, IsOk());
  EXPECT_EQ(motion->frames, 3);
}

// A Matroska file with sound states no length of its pictures, and one rate
// for all of them.
TEST_F(DecodeTest, TellsTheLengthWhereFramesComeAtAVaryingRate) {
  media::WriteSound(Path("sound.m4a"), 2);
  media::VideoWriterOptions options;
  options.width = 48;
  options.height = 32;
  options.frame_rate = {10, 1};
  options.audio_from = Path("sound.m4a");
  auto writer = media::VideoWriter::Create(Path("video.mkv"), options);
  ASSERT_THAT(writer, IsOk());
  for (const int64_t pts : {0, 1, 9}) {
    ASSERT_THAT((*writer)->WriteAt(Plain(48, 32, {9, 9, 9}), pts, 1), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const auto facts =
      ProbeMedia(Shared(ReadText(Path("video.mkv"))), MediaKind::kVideo);
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->frames, 3);
  EXPECT_NEAR(facts->seconds, 1, 0.01);
  EXPECT_TRUE(facts->sound);
}

TEST_F(DecodeTest, RefusesAnotherKindThanWasSaid) {
  const Bytes still = Picture(Plain(30, 20, {1, 2, 3}));
  EXPECT_THAT(ProbeMedia(still, MediaKind::kVideo),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("one picture")));
  EXPECT_THAT(ProbeMedia(Video(3), MediaKind::kImage),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a video of 3 frames; upload a still")));
  EXPECT_THAT(
      ProbeMedia(still, MediaKind::kMotion),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("the motion file")));
  for (const MediaKind kind : {MediaKind::kImage, MediaKind::kVideo}) {
    EXPECT_THAT(ProbeMedia(Shared(""), kind),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("0 bytes")));
    EXPECT_THAT(ProbeMedia(Shared("only text"), kind),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("")));
  }
}

TEST_F(DecodeTest, SaysWhatHelpsWithAPhotoThatIsNotRead) {
  const std::string head = std::string("\0\0\0\x18", 4) + "ftypheic";
  EXPECT_THAT(ProbeMedia(Shared(head), MediaKind::kImage),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("the picture is a HEIC or AVIF photo")));
}

TEST_F(DecodeTest, ShowsTheFrameThatIsAskedFor) {
  const Bytes video = Video(7);
  for (const int64_t frame : {0, 6, 3}) {
    const auto png = MakePreview(video, MediaKind::kVideo, frame, 64);
    ASSERT_THAT(png, IsOk());
    // The encoder may change a grey by a few steps.
    EXPECT_NEAR(Brightness(*png), 10.0 * static_cast<double>(frame), 4);
  }
  EXPECT_THAT(MakePreview(video, MediaKind::kVideo, 7, 64),
              StatusIs(StatusCode::kOutOfRange, HasSubstr("0 to 6")));
  EXPECT_THAT(MakePreview(Motion(3), MediaKind::kMotion, 3, 64),
              StatusIs(StatusCode::kOutOfRange, HasSubstr("0 to 2")));
}

TEST_F(DecodeTest, ScalesDownAndNeverUp) {
  const Bytes wide = Picture(Plain(200, 50, {9, 9, 9}));
  const struct {
    int side;
    cv::Size size;
  } cases[] = {{100, {100, 25}}, {16, {16, 4}}, {4096, {200, 50}}};
  for (const auto& [side, size] : cases) {
    const auto png = MakePreview(wide, MediaKind::kImage, 0, side);
    ASSERT_THAT(png, IsOk());
    EXPECT_EQ(media::DecodeImage(*png, "the preview")->size(), size);
  }
}

TEST_F(DecodeTest, DrawsTheKeypointsOfAMotionFile) {
  const auto png = MakePreview(Motion(1), MediaKind::kMotion, 0, 100);
  ASSERT_THAT(png, IsOk());
  const auto picture = media::DecodeImage(*png, "the preview");
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->size(), cv::Size(100, 100));
  const auto ground = picture->at<cv::Vec3b>(0, 0);
  EXPECT_NE(picture->at<cv::Vec3b>(25, 25), ground);
  EXPECT_NE(picture->at<cv::Vec3b>(74, 74), ground);
  EXPECT_EQ(picture->at<cv::Vec3b>(25, 74), ground);
}

TEST_F(DecodeTest, GivesPixelsWithAlphaAndOpaqueOnesWithout) {
  const auto opaque = DecodePixels(Picture(Plain(3, 2, {10, 20, 30})), 16);
  ASSERT_THAT(opaque, IsOk());
  EXPECT_EQ(opaque->width, 3);
  EXPECT_EQ(opaque->height, 2);
  ASSERT_EQ(opaque->pixels.size(), 24U);
  EXPECT_EQ(opaque->pixels[0], 10);
  EXPECT_EQ(opaque->pixels[2], 30);
  EXPECT_EQ(opaque->pixels[3], 255);
  cv::Mat rgba(2, 3, CV_8UC4, cv::Scalar(10, 20, 30, 255));
  rgba.at<cv::Vec4b>(0, 1)[3] = 128;
  const auto pixels = DecodePixels(Picture(rgba), 16);
  ASSERT_THAT(pixels, IsOk());
  EXPECT_EQ(pixels->pixels[7], 128);
  EXPECT_EQ(pixels->pixels[11], 255);
}

TEST_F(DecodeTest, ProposesTheCentreWithoutAFaceFinder) {
  const auto square = ProposeSquare(Picture(Plain(50, 80, {1, 1, 1})), nullptr);
  ASSERT_THAT(square, IsOk());
  EXPECT_EQ(square->x, 0);
  EXPECT_EQ(square->y, 15);
  EXPECT_EQ(square->side, 50);
  EXPECT_FALSE(square->is_face);
}

}  // namespace
}  // namespace studio
