#include "pipelines/media/webp_animation.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/media/formats/image_chunks_test_util.h"
#include "pipelines/media/formats/image_header.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/webp_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

const cv::Size kCanvas(20, 12);

std::string Plain(cv::Size size, const cv::Scalar& bgra) {
  return LosslessChunk(cv::Mat(size, CV_8UC4, bgra));
}

std::string TwoFrames() {
  return AnimatedWebp(
      kCanvas,
      WebpFrameChunk({0, 0, 20, 12}, 40, 2, Plain({20, 12}, {1, 2, 3, 255})) +
          RiffChunk("JUNK", "odd") +
          WebpFrameChunk(
              {4, 2, 7, 5}, 70000, 1,
              RiffChunk("odd ", "x") + Plain({7, 5}, {9, 8, 7, 100})));
}

TEST(ReadWebpAnimation, TellsWhereWhenAndHowEachFrameIsDrawn) {
  const std::string file = TwoFrames();
  ASSERT_TRUE(IsAnimatedWebp(file));
  const auto animation = ReadWebpAnimation(file, "x.webp");
  ASSERT_THAT(animation, IsOk());
  EXPECT_THAT(animation->end, IsOk());
  EXPECT_EQ(animation->canvas, kCanvas);
  EXPECT_EQ(animation->orientation, 1);
  ASSERT_EQ(animation->frames.size(), 2u);
  const WebpFrame& first = animation->frames[0];
  EXPECT_EQ(first.place, cv::Rect(0, 0, 20, 12));
  EXPECT_EQ(first.milliseconds, 40);
  EXPECT_FALSE(first.blends);
  EXPECT_FALSE(first.is_cleared);
  EXPECT_FALSE(first.has_alpha);
  const WebpFrame& second = animation->frames[1];
  EXPECT_EQ(second.place, cv::Rect(4, 2, 7, 5));
  EXPECT_EQ(second.milliseconds, 70000);
  EXPECT_TRUE(second.blends);
  EXPECT_TRUE(second.is_cleared);
  EXPECT_TRUE(second.has_alpha);
}

TEST(StillOf, IsTheFrameAsAPicture) {
  const std::string file = TwoFrames();
  const auto animation = ReadWebpAnimation(file, "x.webp");
  ASSERT_THAT(animation, IsOk());
  const auto opaque = DecodeImageWithAlpha(
      StillOf(*animation, animation->frames.at(0)), "first");
  ASSERT_THAT(opaque, IsOk());
  EXPECT_EQ(opaque->rgb.size(), kCanvas);
  EXPECT_EQ(opaque->rgb.at<cv::Vec3b>(3, 3), cv::Vec3b(3, 2, 1));
  EXPECT_TRUE(opaque->alpha.empty());
  const auto seen_through = DecodeImageWithAlpha(
      StillOf(*animation, animation->frames.at(1)), "second");
  ASSERT_THAT(seen_through, IsOk());
  EXPECT_EQ(seen_through->rgb.size(), cv::Size(7, 5));
  EXPECT_EQ(seen_through->alpha.at<uint8_t>(3, 3), 100);
}

TEST(ReadWebpAnimation, SaysWhatIsWrongBehindTheWholeFrames) {
  const std::string still = Plain({8, 6}, {1, 2, 3, 255});
  const std::string good = WebpFrameChunk({0, 0, 8, 6}, 40, 0, still);
  const struct {
    std::string bad;
    const char* message;
  } cases[] = {
      {WebpFrameChunk({14, 0, 8, 6}, 40, 0, still),
       "frame 2 lies outside the picture"},
      {WebpFrameChunk({0, 0, 8, 6}, 40, 0, RiffChunk("EXIF", "x")),
       "frame 2 holds no picture"},
      {WebpFrameChunk({0, 0, 8, 6}, 40, 0, still.substr(0, 20)),
       "frame 2 holds no picture"},
      {RiffChunk("ANMF", "short"), "frame 2 has no head"},
      {good.substr(0, good.size() - 4), "its last piece is cut short"},
  };
  for (const auto& test : cases) {
    const std::string file = AnimatedWebp(kCanvas, good + test.bad);
    const auto animation = ReadWebpAnimation(file, "x.webp");
    ASSERT_THAT(animation, IsOk());
    EXPECT_EQ(animation->frames.size(), 1u);
    EXPECT_THAT(animation->end,
                StatusIs(StatusCode::kDataLoss,
                         AllOf(HasSubstr("x.webp"), HasSubstr(test.message))));
  }
}

TEST(ReadWebpAnimation, KnowsEveryCut) {
  const std::string file = TwoFrames();
  for (size_t size = 32; size < file.size(); ++size) {
    const std::string cut = file.substr(0, size);
    const auto animation = ReadWebpAnimation(cut, "x.webp");
    ASSERT_THAT(animation, IsOk());
    EXPECT_THAT(animation->end,
                StatusIs(StatusCode::kDataLoss, HasSubstr("x.webp")))
        << size;
  }
}

TEST(ReadWebpAnimation, RefusesWhatStatesNoCanvas) {
  std::string file = TwoFrames();
  for (const size_t size : {21, 29}) {
    EXPECT_THAT(ReadWebpAnimation(file.substr(0, size), "x.webp"),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("truncated")));
  }
  file.replace(4, 4, std::string(4, '\0'));  // the file's size
  EXPECT_THAT(ReadWebpAnimation(file, "x.webp"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("truncated")));
}

}  // namespace
}  // namespace pipelines::media
