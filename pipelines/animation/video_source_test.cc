// What becomes of a source's parts and background, from file to file.
#include "pipelines/animation/video_source.h"

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/animate_test_util.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/drawn_face.h"
#include "pipelines/animation/show_sets.h"
#include "pipelines/animation/texture_test_util.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

double Largest(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

class VideoSourceTest : public AnimateTest {
 protected:
  void SetUp() override {
    AnimateTest::SetUp();
    WriteDriving();
  }

  void WriteDriving() {
    media::VideoWriterOptions options;
    options.width = options.height = 32;
    auto writer = *media::VideoWriter::Create(Path("driving.mp4"), options);
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(writer->Write(Texture(32, 32, i)), IsOk());
    }
    EXPECT_THAT(writer->Finish(), IsOk());
  }

  std::string WriteSource(const cv::Mat& picture) {
    EXPECT_THAT(media::WriteImage(Path("source.png"), picture), IsOk());
    return Path("source.png");
  }

  absl::Status Run(const std::string& source) {
    fs::remove_all(Path("frames"));
    return AnimateVideo(*animator_, source, Path("driving.mp4"), Path("frames"),
                        options_)
        .status();
  }

  // The last frame of `picture` animated.
  cv::Mat Animated(const cv::Mat& picture) {
    EXPECT_THAT(Run(WriteSource(picture)), IsOk());
    return *media::ReadImage(Path("frames/000002.png"));
  }
};

// Two faces, whose crops overlap.
cv::Mat TwoFaces() {
  cv::Mat picture(300, 520, CV_8UC3, cv::Scalar::all(140));
  DrawFace({180, 150}, 150, picture);
  DrawFace({340, 150}, 150, picture);
  return picture;
}

TEST_F(VideoSourceTest, KeepsTheSourceAtTheBorderOfWhatIsPastedBack) {
  options_.paste_back = true;
  const cv::Mat source = Texture(80, 40, 1);
  for (const double fade : {0.0, 0.15, 0.5}) {
    options_.fade = fade;
    const cv::Mat frame = Animated(source);
    ASSERT_EQ(frame.size(), source.size());
    for (const cv::Rect outside : {cv::Rect(0, 0, 21, 40), {59, 0, 21, 40}}) {
      EXPECT_EQ(Largest(frame(outside), source(outside)), 0) << fade;
    }
    const cv::Rect middle(35, 10, 10, 20);
    EXPECT_GT(Largest(frame(middle), source(middle)), 20) << fade;
  }
}

TEST_F(VideoSourceTest, AnimatesThePartThatIsStated) {
  const cv::Mat source = Texture(80, 60, 1);
  const cv::Rect box(30, 10, 40, 48);
  const cv::Mat of_part = Animated(source(box).clone());
  options_.source_box = box;
  options_.source_crop = CropMode::kNone;  // does not count
  EXPECT_EQ(Largest(Animated(source), of_part), 0);
  for (const cv::Rect outside : {cv::Rect(50, 0, 31, 20),
                                 {0, 20, 20, 41},
                                 {-1, 0, 20, 20},
                                 {0, 0, 0, 20},
                                 {1, 1, std::numeric_limits<int>::max(), 1}}) {
    options_.source_box = outside;
    EXPECT_THAT(Run(Path("source.png")),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(Path("source.png")),
                               HasSubstr("not within the picture of 80x60"))));
  }
}

TEST_F(VideoSourceTest, AnimatesTheFaceThatIsAskedFor) {
  options_.source_crop = CropMode::kFace;
  options_.paste_back = true;
  const cv::Mat source = TwoFaces();
  const cv::Rect left(120, 110, 60, 80), right(340, 110, 60, 80);
  const auto moves = [&](const char* face, const cv::Rect& where) {
    options_.source_face = *ParseFaceChoice(face);
    const cv::Mat frame = Animated(source);
    EXPECT_EQ(frame.size(), source.size());
    return Largest(frame(where), source(where)) > 20;
  };
  EXPECT_TRUE(moves("1", left));
  EXPECT_FALSE(moves("1", right));
  // Nor does what is nearer to the other face.
  EXPECT_FALSE(moves("1", cv::Rect(275, 110, 30, 80)));
  EXPECT_TRUE(moves("2", right));
  EXPECT_FALSE(moves("2", left));
  EXPECT_TRUE(moves("all", left));
  EXPECT_TRUE(moves("all", right));
}

TEST_F(VideoSourceTest, ShowsSeveralFacesSideBySide) {
  options_.source_crop = CropMode::kFace;
  options_.source_face = *ParseFaceChoice("all");
  EXPECT_EQ(Animated(TwoFaces()).size(), cv::Size(64, 32));
  options_.background = *ParseBackground("#00ff00");
  EXPECT_EQ(Animated(TwoFaces()).size(), cv::Size(64, 32));
}

TEST_F(VideoSourceTest, NamesFacesThatThereAreNot) {
  options_.source_crop = CropMode::kFace;
  options_.source_face = *ParseFaceChoice("3");
  EXPECT_THAT(Run(WriteSource(TwoFaces())),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("source.png: there is no face 3"),
                             HasSubstr("found 2"))));
  for (const char* face : {"1", "all"}) {
    options_.source_face = *ParseFaceChoice(face);
    EXPECT_THAT(Run(WriteSource(Texture(64, 64, 1))),
                StatusIs(StatusCode::kNotFound,
                         HasSubstr("source.png: no face was found")));
  }
  options_.source_face = *ParseFaceChoice("all");
  options_.panels = *ParsePanels("result,flow");
  EXPECT_THAT(Run(WriteSource(TwoFaces())),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("2 faces")));
}

// The mask says that the right half is the figure.
TEST_F(VideoSourceTest, PutsABackgroundWhereTheMaskSaysSo) {
  options_.min_output_side = 0;
  const cv::Mat source = Texture(40, 40, 1);
  const cv::Mat plain = Animated(source);
  cv::Mat mask(40, 40, CV_8UC3, cv::Scalar::all(0));
  mask.colRange(20, 40) = cv::Scalar::all(255);
  ASSERT_THAT(media::WriteImage(Path("mask.png"), mask), IsOk());
  options_.background = *ParseBackground("#00ff00");
  options_.background.mask = Path("mask.png");
  const cv::Mat frame = Animated(source);
  // The untrained model hardly moves.
  const cv::Rect left(0, 0, 10, 32), right(22, 0, 10, 32);
  EXPECT_EQ(Largest(frame(left), cv::Mat(32, 10, CV_8UC3, {0, 255, 0})), 0);
  EXPECT_EQ(Largest(frame(right), plain(right)), 0);
}

// So does the alpha of a source that has one.
TEST_F(VideoSourceTest, PutsABackgroundBehindATransparentSource) {
  options_.min_output_side = 0;
  const cv::Mat texture = Texture(40, 40, 1);
  cv::Mat alpha(40, 40, CV_8UC1, cv::Scalar(0)), transparent;
  alpha.colRange(20, 40) = cv::Scalar(255);
  cv::merge(std::vector<cv::Mat>{texture, alpha}, transparent);
  options_.background = *ParseBackground("#00ff00");
  const cv::Mat frame = Animated(transparent);
  const cv::Mat green(32, 32, CV_8UC3, cv::Scalar(0, 255, 0));
  const cv::Rect left(0, 0, 10, 32), right(22, 0, 10, 32);
  EXPECT_EQ(Largest(frame(left), green(left)), 0);
  EXPECT_GT(Largest(frame(right), green(right)), 50);
}

TEST_F(VideoSourceTest, KeepsTheSourcesBackgroundStill) {
  const cv::Mat source = Texture(32, 32, 1);
  ASSERT_THAT(media::WriteImage(Path("mask.png"),
                                cv::Mat(32, 32, CV_8UC3, cv::Scalar(0, 0, 0))),
              IsOk());
  options_.background = *ParseBackground("still");
  EXPECT_EQ(Animated(source).size(), cv::Size(32, 32));  // the figure is found
  options_.background.mask = Path("mask.png");
  EXPECT_EQ(Largest(Animated(source), source), 0);
}

TEST_F(VideoSourceTest, NamesWhatDoesNotGoTogether) {
  const std::string source = WriteSource(Texture(40, 30, 1));
  const auto refuses = [&](const char* part) {
    EXPECT_THAT(Run(source),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(part)));
    options_.background = {};
    options_.paste_back = options_.animate_source_video = false;
  };
  ASSERT_THAT(media::WriteImage(Path("mask.png"), Texture(20, 10, 1)), IsOk());
  options_.background = *ParseBackground("still");
  options_.background.mask = Path("mask.png");
  refuses("mask.png: is of 20x10 pixels, but");
  options_.background.mask = Path("mask.png");
  refuses("without a background");
  options_.background = *ParseBackground("still");
  options_.background.mask = Path("mask.png");
  options_.animate_source_video = true;
  refuses("not of all frames");
  options_.background = *ParseBackground("driving");
  options_.paste_back = true;
  refuses("do not paste back");
  options_.fade = 0.7;
  options_.paste_back = true;
  refuses("the fade is 0.7");
}

TEST_F(VideoSourceTest, TakesNoCameraToSmoothWithoutDelay) {
  options_.zero_phase.emplace();
  options_.allow_addresses = true;
  EXPECT_THAT(AnimateVideo(*animator_, WriteSource(Texture(32, 32, 1)),
                           "lavfi:testsrc", Path("frames"), options_),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("camera"), HasSubstr("causally"))));
}

TEST_F(VideoSourceTest, ShowsTheKeypointSets) {
  const std::string source = WriteSource(Texture(60, 40, 1));
  ASSERT_THAT(WriteSetsPicture(*animator_, source, Path("sets.png"), options_),
              IsOk());
  // All, and each of two, 320 pixels wide.
  EXPECT_EQ(media::ReadImage(Path("sets.png"))->cols, 3 * 324);
  EXPECT_THAT(WriteSetsPicture(*animator_, source, source, options_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("source.png")));
}

}  // namespace
}  // namespace pipelines
