#include "pipelines/media/frame_sink.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::networks::files::ListFolder;
using ::networks::files::ReadFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const cv::Size kSize(33, 24);

VideoWriterOptions Options() {
  VideoWriterOptions options;
  options.width = kSize.width;
  options.height = kSize.height;
  return options;
}

TEST(OpenFrameSink, WritesAFolderOfImagesWithoutAnEnding) {
  const std::string path = TempPath("frames of my film");
  auto sink = OpenFrameSink(path + "/", Options());
  ASSERT_THAT(sink, IsOk());
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT((*sink)->WriteAt(NumberedFrame(kSize, i), 10 * i, 10), IsOk());
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "before Finish";
  ASSERT_THAT((*sink)->Finish(), IsOk());
  EXPECT_THAT(ListFolder(path), IsOkAndHolds(ElementsAre(
                                    "000000.png", "000001.png", "000002.png")));
  const auto frame = ReadImage(path + "/000002.png");
  ASSERT_THAT(frame, IsOk());
  EXPECT_EQ(cv::norm(*frame, NumberedFrame(kSize, 2), cv::NORM_INF), 0);
  EXPECT_THAT(OpenFrameSink(path, Options()),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(path)));
}

TEST(OpenFrameSink, StoresTheCommentInEveryImage) {
  const std::string path = TempPath("commented frames");
  VideoWriterOptions options = Options();
  options.comment = "synthetic";
  auto sink = OpenFrameSink(path, options);
  ASSERT_THAT(sink, IsOk());
  ASSERT_THAT((*sink)->Write(NumberedFrame(kSize, 0)), IsOk());
  ASSERT_THAT((*sink)->Finish(), IsOk());
  const auto bytes = ReadFile(path + "/000000.png");
  ASSERT_THAT(bytes, IsOk());
  EXPECT_THAT(*bytes, HasSubstr(std::string("tEXtComment\0synthetic", 21)));
  // Which checks the checksums.
  EXPECT_THAT(ReadImage(path + "/000000.png"), IsOk());
}

// A folder of that name, of the user's, was emptied and removed.
TEST(OpenFrameSink, TouchesNoNeighbour) {
  const std::string path = TempPath("neighbour");
  const std::string other = path + ".partial";
  ASSERT_EQ(mkdir(other.c_str(), 0755), 0);
  ASSERT_THAT(networks::files::WriteAtomically(other + "/thesis", "1"), IsOk());
  auto sink = OpenFrameSink(path, Options());
  ASSERT_THAT(sink, IsOk());
  ASSERT_THAT((*sink)->Write(NumberedFrame(kSize, 0)), IsOk());
  ASSERT_THAT((*sink)->Finish(), IsOk());
  EXPECT_THAT(ReadFile(other + "/thesis"), IsOkAndHolds("1"));
}

TEST(OpenFrameSink, RefusesASecondWriter) {
  for (const char* name : {"two films.mp4", "two folders"}) {
    const std::string path = TempPath(name);
    auto first = OpenFrameSink(path, Options());
    ASSERT_THAT(first, IsOk());
    EXPECT_THAT(OpenFrameSink(path, Options()),
                StatusIs(StatusCode::kUnavailable,
                         AllOf(HasSubstr(path), HasSubstr("process "))));
    ASSERT_THAT((*first)->Write(NumberedFrame(kSize, 0)), IsOk());
    ASSERT_THAT((*first)->Finish(), IsOk());
    EXPECT_THAT(OpenFrameSource(path), IsOk());
  }
}

TEST(OpenFrameSink, LeavesNothingUnlessFinished) {
  const std::string folder = TempPath("unfinished");
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  const std::string path = folder + "/frames";
  {
    auto sink = OpenFrameSink(path, Options());
    ASSERT_THAT(sink, IsOk());
    ASSERT_THAT((*sink)->Write(NumberedFrame(kSize, 0)), IsOk());
  }
  EXPECT_EQ(rmdir(folder.c_str()), 0) << "something is left in it";
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  auto empty = OpenFrameSink(path, Options());
  ASSERT_THAT(empty, IsOk());
  EXPECT_THAT((*empty)->Finish(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr(path)));
}

TEST(OpenFrameSink, WritesVideosByTheirEnding) {
  for (const char* name : {"film.mp4", "FILM.MP4", "FILM.WEBP"}) {
    const std::string path = TempPath(name);
    auto sink = OpenFrameSink(path, Options());
    ASSERT_THAT(sink, IsOk());
    ASSERT_THAT((*sink)->Write(NumberedFrame(kSize, 0)), IsOk());
    ASSERT_THAT((*sink)->Write(NumberedFrame(kSize, 1)), IsOk());
    ASSERT_THAT((*sink)->Finish(), IsOk());
    const auto source = OpenFrameSource(path);
    ASSERT_THAT(source, IsOk());
    EXPECT_THAT((*source)->Count(), IsOkAndHolds(2)) << name;
  }
}

TEST(OpenFrameSink, WritesOnePictureByItsEnding) {
  for (const char* name : {"one.png", "one.jpg", "one.JPEG", "one.webp"}) {
    const std::string path = TempPath(name);
    EXPECT_TRUE(IsPictureOutput(path));
    EXPECT_FALSE(IsFolderOutput(path));
    VideoWriterOptions options = Options();
    options.comment = "synthetic";
    auto sink = OpenFrameSink(path, options);
    ASSERT_THAT(sink, IsOk());
    EXPECT_NE(access(path.c_str(), F_OK), 0) << "before Finish";
    ASSERT_THAT((*sink)->WriteAt(NumberedFrame(kSize, 7), 90, 1), IsOk());
    ASSERT_THAT((*sink)->Finish(), IsOk());
    const auto picture = ReadImage(path);
    ASSERT_THAT(picture, IsOk());
    EXPECT_EQ(FrameIndex(*picture), 7);
  }
  for (const char* name : {"one.png", "one.jpg", "one.webp"}) {
    EXPECT_THAT(ReadFile(TempPath(name)), IsOkAndHolds(HasSubstr("synthetic")));
  }
  EXPECT_FALSE(IsPictureOutput(TempPath("film.mp4")));
}

TEST(OpenFrameSink, APictureIsOneFrameNoMoreNoLess) {
  const std::string path = TempPath("two.png");
  auto sink = OpenFrameSink(path, Options());
  ASSERT_THAT(sink, IsOk());
  EXPECT_THAT((*sink)->Finish(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr(path)));
  ASSERT_THAT((*sink)->Write(NumberedFrame(kSize, 0)), IsOk());
  EXPECT_THAT((*sink)->Write(NumberedFrame(kSize, 1)),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path), HasSubstr("one frame"))));
  sink->reset();
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST(OpenFrameSink, AnimatesAWebpByASecondFrame) {
  const std::string path = TempPath("many.webp");
  EXPECT_TRUE(IsPictureOutput(path));
  EXPECT_FALSE(HoldsOneFrameOnly(path));
  EXPECT_TRUE(HoldsOneFrameOnly(TempPath("one.png")));
  auto sink = OpenFrameSink(path, Options());
  ASSERT_THAT(sink, IsOk());
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT((*sink)->Write(NumberedFrame(kSize, i)), IsOk());
    EXPECT_NE(access(path.c_str(), F_OK), 0) << "before Finish";
  }
  ASSERT_THAT((*sink)->Finish(), IsOk());
  const auto file = ReadFile(path);
  ASSERT_THAT(file, IsOk());
  size_t frames = 0;
  for (size_t at = file->find("ANMF"); at != std::string::npos;
       at = file->find("ANMF", at + 4)) {
    ++frames;
  }
  EXPECT_EQ(frames, 3u);
}

TEST(OpenFrameSink, RefusesASideThatIsTooLongForThePicture) {
  VideoWriterOptions options = Options();
  options.width = 16384;
  EXPECT_THAT(OpenFrameSink(TempPath("wide.webp"), options),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("wide.webp"), HasSubstr("16384x24"),
                             HasSubstr("1 to 16383"))));
  EXPECT_THAT(OpenFrameSink(TempPath("wide.png"), options), IsOk());
  options.width = 65502;
  EXPECT_THAT(OpenFrameSink(TempPath("wide.jpg"), options),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("wide.jpg"), HasSubstr("1 to 65500"))));
}

TEST(OpenFrameSink, ReplacesNoPictureUnlessTold) {
  const std::string path = TempPath("precious.jpg");
  ASSERT_THAT(networks::files::WriteAtomically(path, "precious"), IsOk());
  VideoWriterOptions options = Options();
  options.overwrite = false;
  EXPECT_THAT(OpenFrameSink(path, options),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(path)));
  EXPECT_THAT(ReadFile(path), IsOkAndHolds("precious"));
}

// A square that is opaque, one that is half so, and nothing else; `shift` to
// the right.
cv::Mat Squares(int shift) {
  cv::Mat rgba(48, 64, CV_8UC4, cv::Scalar(180, 40, 40, 0));
  rgba({8 + shift, 8, 16, 16}) = cv::Scalar(180, 40, 40, 255);
  rgba({8 + shift, 24, 16, 16}) = cv::Scalar(180, 40, 40, 128);
  return rgba;
}

// Written and read back, also as sources for the next animation: alpha exactly
// where nothing is lossy, and near elsewhere but at the squares' edges.
TEST(OpenFrameSink, KeepsAlpha) {
  VideoWriterOptions options;
  options.width = 64;
  options.height = 48;
  options.with_alpha = true;
  for (const char* name : {"alpha.webm", "alpha.mov", "alpha folder"}) {
    const std::string path = TempPath(name);
    EXPECT_TRUE(HoldsAlphaOutput(path));
    auto sink = OpenFrameSink(path, options);
    ASSERT_THAT(sink, IsOk());
    for (int i = 0; i < 3; ++i) {
      ASSERT_THAT((*sink)->Write(Squares(8 * i)), IsOk());
    }
    ASSERT_THAT((*sink)->Finish(), IsOk());
    const auto source = OpenFrameSource(path);
    ASSERT_THAT(source, IsOk());
    for (int i = 0; i < 3; ++i) {
      const auto frame = (*source)->Next();
      ASSERT_THAT(frame, IsOk());
      ASSERT_TRUE(frame->has_value()) << name << ", frame " << i;
      const cv::Mat& alpha = (*frame)->alpha;
      ASSERT_EQ(alpha.size(), cv::Size(64, 48)) << name << ", frame " << i;
      const int x = 16 + 8 * i;
      // Of 255; lossy codecs were off by 2 at most.
      EXPECT_NEAR(alpha.at<uint8_t>(16, x), 255, 6) << name;
      EXPECT_NEAR(alpha.at<uint8_t>(32, x), 128, 6) << name;
      EXPECT_NEAR(alpha.at<uint8_t>(4, 4), 0, 6) << name;
      EXPECT_NEAR(alpha.at<uint8_t>(32, 60), 0, 6) << name;
      EXPECT_NEAR((*frame)->rgb.at<cv::Vec3b>(16, x)[0], 180, 12) << name;
    }
  }
}

TEST(OpenFrameSink, RefusesAlphaWhereThereIsNoPlaceForIt) {
  VideoWriterOptions options = Options();
  options.with_alpha = true;
  for (const char* name : {"a.mp4", "a.mkv", "a.avi", "a.gif"}) {
    EXPECT_FALSE(HoldsAlphaOutput(TempPath(name)));
    EXPECT_THAT(OpenFrameSink(TempPath(name), options),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(name), HasSubstr("transparency"))));
  }
  EXPECT_FALSE(HoldsAlphaOutput("a.jpg"));
  EXPECT_TRUE(HoldsAlphaOutput("a.png"));
  EXPECT_TRUE(HoldsAlphaOutput("A.MOV"));
}

TEST(OpenFrameSink, NamesBadPaths) {
  EXPECT_THAT(OpenFrameSink("", Options()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("output")));
  EXPECT_THAT(OpenFrameSink(TempPath("film.xyz"), Options()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("film.xyz")));
  EXPECT_THAT(OpenFrameSink(TempPath("no/such/folder"), Options()),
              StatusIs(StatusCode::kNotFound, HasSubstr("no/such/folder")));
}

}  // namespace
}  // namespace pipelines::media
