#include "tools/studio/jobs/convert_video.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/provenance.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/jobs/zip_file.h"

namespace studio {
namespace {

namespace media = pipelines::media;
using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kFrames = 4;
constexpr size_t kMaxBytes = size_t{1} << 24;

// What the formats lose of plain grey frames.
constexpr double kLoss = 6;

class ConvertVideoTest : public networks::files::FolderTest {
 protected:
  // 48x32 pixels; frame i is grey of brightness 60 i. The times are not even: a
  // frame lasts 2, 3, 4 and 5 tenths of a second.
  void SetUp() override {
    media::VideoWriterOptions options;
    options.width = 48;
    options.height = 32;
    options.frame_rate = {10, 1};
    options.time_base = {1, 10};
    auto writer = media::VideoWriter::Create(from_, options);
    ASSERT_THAT(writer, IsOk());
    int64_t at = 0;
    for (int i = 0; i < kFrames; ++i) {
      const cv::Mat grey(32, 48, CV_8UC3, cv::Scalar::all(60 * i));
      ASSERT_THAT((*writer)->WriteAt(grey, at, 2 + i), IsOk());
      at += 2 + i;
    }
    ASSERT_THAT((*writer)->Finish(), IsOk());
  }

  // A zip of frames of `sizes` that are red and as opaque as `alpha` says.
  void WriteFrames(const std::string& name, const std::vector<cv::Size>& sizes,
                   int alpha) const {
    auto zip = ZipWriter::Create(Path(name));
    ASSERT_THAT(zip, IsOk());
    int64_t number = 0;
    for (const cv::Size& size : sizes) {
      const cv::Mat frame(size, CV_8UC4, cv::Scalar(255, 0, 0, alpha));
      const auto png = media::EncodeImage(frame, ".png", "test");
      ASSERT_THAT(png, IsOk());
      ASSERT_THAT((*zip)->Add(FrameFileName(number++), *png), IsOk());
    }
    ASSERT_THAT((*zip)->Finish(), IsOk());
  }

  const std::string from_ = Path("result.mp4");
};

struct Shown {
  double seconds;     // when
  cv::Scalar colour;  // mean, over white
  double alpha;       // mean; 255 where it is opaque
};

std::vector<Shown> Show(const std::string& path) {
  const auto reader = media::VideoReader::Open(path);
  EXPECT_THAT(reader, IsOk());
  std::vector<Shown> shown;
  if (!reader.ok()) return shown;
  const media::Rational unit = (*reader)->info().time_base;
  for (;;) {
    const auto frame = (*reader)->Next();
    EXPECT_THAT(frame, IsOk());
    if (!frame.ok() || !frame->has_value()) return shown;
    const media::VideoFrame& f = **frame;
    shown.push_back({static_cast<double>(f.pts * unit.num) / unit.den,
                     cv::mean(f.rgb),
                     f.alpha.empty() ? 255 : cv::mean(f.alpha)[0]});
  }
}

TEST_F(ConvertVideoTest, KeepsFramesAndTimesInAVideo) {
  for (const char* const name : {"to.gif", "to.webm"}) {
    SCOPED_TRACE(name);
    ASSERT_THAT(ConvertVideo(from_, Path(name)), IsOk());
    const std::vector<Shown> shown = Show(Path(name));
    ASSERT_THAT(shown, SizeIs(kFrames));
    for (int i = 0; i < kFrames; ++i) {
      const double at[] = {0, 0.2, 0.5, 0.9};
      EXPECT_NEAR(shown[i].seconds - shown[0].seconds, at[i], 1e-3) << i;
      EXPECT_NEAR(shown[i].colour[1], 60 * i, kLoss) << i;
      EXPECT_EQ(shown[i].alpha, 255) << i;
    }
  }
}

TEST_F(ConvertVideoTest, MakesAZipOfTheFramesThatSayWhatTheyAre) {
  ASSERT_THAT(ConvertVideo(from_, Path("to.zip")), IsOk());
  const auto zip = ZipReader::Open(Path("to.zip"));
  ASSERT_THAT(zip, IsOk());
  for (int i = 0; i < kFrames; ++i) {
    const auto png = (*zip)->Next(kMaxBytes);
    ASSERT_THAT(png, IsOk());
    ASSERT_TRUE(png->has_value()) << i;
    EXPECT_THAT(**png, HasSubstr(media::kSynthetic));
    const auto frame = media::DecodeImage(**png, "a frame");
    ASSERT_THAT(frame, IsOk());
    EXPECT_EQ(frame->size(), cv::Size(48, 32));
    EXPECT_NEAR(cv::mean(*frame)[1], 60 * i, kLoss) << i;
  }
  EXPECT_THAT((*zip)->Next(kMaxBytes), IsOkAndHolds(std::nullopt));
  EXPECT_THAT(Contents("to.zip"), HasSubstr("000003.png"));
}

// With the kept frames a WebM has their colours and can be seen through; a GIF
// stays what the video is. The last kept frame stands for all that follow: of a
// pose there is one.
TEST_F(ConvertVideoTest, TakesKeptFramesWhereTheFormatHasAlpha) {
  for (const int count : {1, kFrames}) {
    SCOPED_TRACE(count);
    const std::string frames = absl::StrCat("frames", count, ".zip");
    WriteFrames(frames, std::vector<cv::Size>(count, cv::Size(48, 32)), 128);
    ASSERT_THAT(ConvertVideo(from_, Path("to.webm"), Path(frames)), IsOk());
    const std::vector<Shown> webm = Show(Path("to.webm"));
    ASSERT_THAT(webm, SizeIs(kFrames));
    for (const Shown& shown : webm) {
      EXPECT_NEAR(shown.alpha, 128, kLoss);
      EXPECT_NEAR(shown.colour[0], 255, kLoss);
      EXPECT_NEAR(shown.colour[1], 127, 2 * kLoss);
    }
    ASSERT_THAT(ConvertVideo(from_, Path("to.gif"), Path(frames)), IsOk());
    EXPECT_NEAR(Show(Path("to.gif"))[0].colour[0], 0, kLoss);
  }
}

// The video is padded to even numbers, the frames are not.
TEST_F(ConvertVideoTest, TakesKeptFramesOfOddSize) {
  WriteFrames("frames.zip", {{47, 31}, {47, 31}, {47, 31}, {47, 31}}, 128);
  ASSERT_THAT(ConvertVideo(from_, Path("to.webm"), Path("frames.zip")), IsOk());
  const std::vector<Shown> webm = Show(Path("to.webm"));
  ASSERT_THAT(webm, SizeIs(kFrames));
  for (const Shown& shown : webm) EXPECT_NEAR(shown.alpha, 128, kLoss);
}

TEST_F(ConvertVideoTest, RefusesKeptFramesThatAreNoneOrDiffer) {
  WriteFrames("none.zip", {}, 128);
  WriteFrames("differ.zip", {{47, 31}, {48, 32}}, 128);
  EXPECT_THAT(ConvertVideo(from_, Path("to.webm"), Path("none.zip")),
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr(Path("none.zip") + ": holds no frames")));
  EXPECT_THAT(
      ConvertVideo(from_, Path("to.webm"), Path("differ.zip")),
      StatusIs(StatusCode::kDataLoss,
               HasSubstr(Path("differ.zip") + ": a frame has 48x32 pixels")));
  EXPECT_THAT(Names(), ElementsAre("differ.zip", "none.zip", "result.mp4"));
}

TEST_F(ConvertVideoTest, RefusesAnotherEnding) {
  EXPECT_THAT(ConvertVideo(from_, Path("to.avi")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("to.avi: use .gif, .webm or .zip")));
  EXPECT_THAT(Names(), ElementsAre("result.mp4"));
}

TEST_F(ConvertVideoTest, LeavesNothingWhereAnInputIsBad) {
  Write("none.mp4", "no video");
  for (const char* const to : {"to.gif", "to.webm", "to.zip"}) {
    EXPECT_THAT(ConvertVideo(Path("none.mp4"), Path(to)),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("none.mp4")));
  }
  Write("frames.zip", "no archive, and more than a header of one has");
  EXPECT_THAT(ConvertVideo(from_, Path("to.webm"), Path("frames.zip")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("frames.zip")));
  EXPECT_THAT(Names(), ElementsAre("frames.zip", "none.mp4", "result.mp4"));
}

}  // namespace
}  // namespace studio
