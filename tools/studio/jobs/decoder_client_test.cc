#include "tools/studio/jobs/decoder_client.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/motion_file.h"
#include "pipelines/media/image_io.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/jobs/confined_run.h"

namespace studio {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string ContentOf(const std::string& path) {
  networks::files::ReadOptions options;
  options.max_bytes = int64_t{1} << 30;
  return networks::files::ReadFile(path, options).value();
}

class DecoderClientTest : public networks::files::FolderTest {
 protected:
  void TearDown() override {
    for (const int descriptor : open_) close(descriptor);
  }

  int Open(const std::string& path) {
    open_.push_back(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return open_.back();
  }
  int OpenBytes(const std::string& bytes) {
    const std::string path = folder_ + "/" + std::to_string(open_.size());
    std::ofstream(path, std::ios::binary) << bytes;
    return Open(path);
  }
  int Puppet() { return Open(pipelines::ExampleSource()); }
  int Dance() { return Open(pipelines::ExampleDriving()); }

  std::vector<int> open_;
  DecoderClient decoder_;
};

TEST_F(DecoderClientTest, FindsTheFactsOfAPicture) {
  const auto facts = decoder_.Probe(Puppet(), MediaKind::kImage);
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->width, 256);
  EXPECT_EQ(facts->height, 256);
  EXPECT_EQ(facts->frames, 1);
  EXPECT_FALSE(facts->sound);
}

TEST_F(DecoderClientTest, FindsTheFactsOfAVideo) {
  const auto facts = decoder_.Probe(Dance(), MediaKind::kVideo);
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->frames, 98);
  EXPECT_EQ(facts->width, 256);
  EXPECT_NEAR(facts->seconds, static_cast<double>(facts->frames) / facts->fps,
              0.1);
}

std::string SomeMotion(const std::string& path) {
  pipelines::RecordedMotion motion;
  motion.num_sets = 2;
  motion.keypoints_per_set = 5;
  auto writer = pipelines::MotionFileWriter::Create(path, motion);
  const std::vector<float> keypoints(20, 0.25F);
  for (int i = 0; i < 3; ++i) writer->Add(keypoints.data(), i, 1);
  EXPECT_THAT(writer->Finish(), IsOk());
  return path;
}

TEST_F(DecoderClientTest, ReadsAndDrawsAMotionFile) {
  const int motion = Open(SomeMotion(folder_ + "/some.safetensors"));
  const auto facts = decoder_.Probe(motion, MediaKind::kMotion);
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->frames, 3);
  EXPECT_DOUBLE_EQ(facts->fps, 25);
  EXPECT_EQ(facts->warnings.size(), 1U);
  const auto png = decoder_.Preview(motion, MediaKind::kMotion, 2, 64);
  ASSERT_THAT(png, IsOk());
  const auto picture = pipelines::media::DecodeImage(*png, "preview");
  ASSERT_THAT(picture, IsOk());
  const auto place = static_cast<int>(std::lround(1.25 / 2 * 63));
  EXPECT_NE(picture->at<cv::Vec3b>(place, place), picture->at<cv::Vec3b>(0, 0));
  EXPECT_THAT(decoder_.Preview(motion, MediaKind::kMotion, 3, 64),
              StatusIs(StatusCode::kOutOfRange, HasSubstr("0 to 2")));
}

TEST_F(DecoderClientTest, ShowsEachFrameAtTheSizeThatIsAskedFor) {
  const int dance = Dance();
  const auto first = decoder_.Preview(dance, MediaKind::kVideo, 0, 64);
  const auto later = decoder_.Preview(dance, MediaKind::kVideo, 40, 64);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(later, IsOk());
  EXPECT_NE(*first, *later);
  const auto picture = pipelines::media::DecodeImage(*first, "preview");
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->size(), cv::Size(64, 64));
  EXPECT_THAT(decoder_.Preview(dance, MediaKind::kVideo, 98, 64),
              StatusIs(StatusCode::kOutOfRange, HasSubstr("0 to 97")));
  for (const int side : {0, 5000}) {
    EXPECT_THAT(decoder_.Preview(dance, MediaKind::kVideo, 0, side),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("side")));
  }
}

TEST_F(DecoderClientTest, GivesThePixelsWithTheirAlpha) {
  cv::Mat rgba(2, 3, CV_8UC4, cv::Scalar(10, 20, 30, 255));
  rgba.at<cv::Vec4b>(1, 2) = {200, 100, 50, 128};
  const int picture =
      OpenBytes(*pipelines::media::EncodeImage(rgba, ".png", "test"));
  const auto pixels = decoder_.Pixels(picture, 16);
  ASSERT_THAT(pixels, IsOk());
  ASSERT_EQ(pixels->width, 3);
  ASSERT_EQ(pixels->height, 2);
  EXPECT_EQ(
      std::vector<uint8_t>(pixels->pixels.begin(), pixels->pixels.begin() + 4),
      (std::vector<uint8_t>{10, 20, 30, 255}));
  EXPECT_EQ(pixels->pixels.back(), 128);
  const auto small = decoder_.Pixels(Puppet(), 32);
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ(small->width, 32);
  EXPECT_EQ(small->pixels.size(), 32U * 32U * 4U);
}

TEST_F(DecoderClientTest, ProposesTheCentreWhereThereIsNoFace) {
  const cv::Mat wide(60, 100, CV_8UC3, cv::Scalar(90, 120, 30));
  const int picture =
      OpenBytes(*pipelines::media::EncodeImage(wide, ".png", "test"));
  for (const bool by_face : {true, false}) {
    const auto box = decoder_.ProposeCrop(picture, by_face);
    ASSERT_THAT(box, IsOk());
    EXPECT_EQ(box->x, 20);
    EXPECT_EQ(box->y, 0);
    EXPECT_EQ(box->side, 60);
    EXPECT_FALSE(box->is_face);
  }
}

TEST_F(DecoderClientTest, RefusesWhatIsSomethingElse) {
  EXPECT_THAT(decoder_.Probe(Puppet(), MediaKind::kVideo),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("the video is one picture; upload")));
  EXPECT_THAT(decoder_.Probe(Dance(), MediaKind::kImage),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("the picture is a video of 98 frames")));
  EXPECT_THAT(
      decoder_.Probe(Puppet(), MediaKind::kMotion),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("the motion file")));
  for (const MediaKind kind :
       {MediaKind::kImage, MediaKind::kVideo, MediaKind::kMotion}) {
    EXPECT_THAT(
        decoder_.Probe(OpenBytes(""), kind),
        StatusIs(StatusCode::kInvalidArgument, HasSubstr(MediaNoun(kind))));
    EXPECT_THAT(
        decoder_.Probe(OpenBytes("#EXTM3U\nfile:///etc/passwd\n"), kind),
        StatusIs(StatusCode::kInvalidArgument,
                 AllOf(HasSubstr(MediaNoun(kind)), Not(HasSubstr("root:")))));
  }
}

TEST_F(DecoderClientTest, RefusesWhatIsCutOff) {
  const std::string dance = ContentOf(pipelines::ExampleDriving());
  const std::string puppet = ContentOf(pipelines::ExampleSource());
  for (const double share : {0.2, 0.5, 0.99}) {
    const auto part = [share](const std::string& bytes) {
      return bytes.substr(
          0, static_cast<size_t>(static_cast<double>(bytes.size()) * share));
    };
    EXPECT_THAT(decoder_.Probe(OpenBytes(part(dance)), MediaKind::kVideo),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("the video")));
    EXPECT_THAT(
        decoder_.Probe(OpenBytes(part(puppet)), MediaKind::kImage),
        StatusIs(StatusCode::kInvalidArgument, HasSubstr("the picture")));
  }
}

// --- A decoder that a file has taken over: decoder_double.cc.

struct Attack {
  const char* what;
  const char* message;
};

class TakenOverTest : public DecoderClientTest,
                      public testing::WithParamInterface<Attack> {
 protected:
  absl::StatusOr<MediaFacts> Probe(const std::string& what) {
    DecoderOptions options;
    options.program = JobProgram("decoder_double");
    options.processor_time = absl::Seconds(1);
    // Only who sleeps needs none of the processor's time.
    options.timeout = absl::Seconds(what == "sleep" ? 1 : 60);
    return DecoderClient(options).Probe(OpenBytes(what), MediaKind::kImage);
  }
};

TEST_P(TakenOverTest, IsStoppedAndGivesAnError) {
  EXPECT_THAT(Probe(GetParam().what),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("the picture cannot be decoded: "),
                             HasSubstr(GetParam().message))));
}

constexpr Attack kAttacks[] = {
    {"open", "gave no answer"},
    {"proc", "gave no answer"},
    {"create", "gave no answer"},
    {"write_input", "gave no answer"},
    {"memory", "gave no answer"},
    {"exec", "tried what no decoder has to do"},
    {"connect", "tried what no decoder has to do"},
    {"fork_bomb", "tried what no decoder has to do"},
    {"thread", "tried what no decoder has to do"},
    {"ptrace", "tried what no decoder has to do"},
    {"kill", "tried what no decoder has to do"},
    {"loop", "processor time"},
    {"sleep", "took more than 1s"},
    {"output", "wrote more than it was asked for"},
    {"crash", "the decoder broke"},
    {"lie", "decoder's answer"},
};

INSTANTIATE_TEST_SUITE_P(All, TakenOverTest, testing::ValuesIn(kAttacks),
                         [](const testing::TestParamInfo<Attack>& info) {
                           return info.param.what;
                         });

// Otherwise the cases above would pass for a double that does nothing.
TEST_F(TakenOverTest, AnswersWhereNothingHasToBeStopped) {
  EXPECT_THAT(Probe("nothing"), IsOk());
}

// The second call comes while the first one's decoder sleeps, and has its place
// when that is ended.
TEST_F(TakenOverTest, KeepsOthersWaitingForItsTimeOnly) {
  DecoderOptions options;
  options.program = JobProgram("decoder_double");
  options.timeout = absl::Seconds(5);
  options.max_children = 1;
  const DecoderClient decoder(options);
  const int sleeps = OpenBytes("sleep");
  const int nothing = OpenBytes("nothing");
  const absl::Time start = absl::Now();
  std::thread first([&] {
    EXPECT_THAT(decoder.Probe(sleeps, MediaKind::kImage),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("took more")));
  });
  absl::SleepFor(absl::Seconds(2));
  EXPECT_THAT(decoder.Probe(nothing, MediaKind::kImage), IsOk());
  EXPECT_GE(absl::Now() - start, options.timeout);
  first.join();
}

// One that decodes and one that waits for it.
TEST_F(TakenOverTest, EndsWithTheServer) {
  std::atomic<bool> is_stopping{false};
  DecoderOptions options;
  options.program = JobProgram("decoder_double");
  options.max_children = 1;
  options.is_stopping = [&] { return is_stopping.load(); };
  const DecoderClient decoder(options);
  std::vector<std::thread> callers;
  const absl::Time start = absl::Now();
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&, sleeps = OpenBytes("sleep")] {
      EXPECT_THAT(
          decoder.Probe(sleeps, MediaKind::kImage),
          StatusIs(StatusCode::kUnavailable, HasSubstr("about to end")));
    });
  }
  absl::SleepFor(absl::Milliseconds(200));
  is_stopping = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_LT(absl::Now() - start, absl::Seconds(60));
}

TEST_F(DecoderClientTest, NamesAProgramThatIsNotThere) {
  DecoderOptions options;
  options.program = "/no/such/decoder";
  EXPECT_THAT(DecoderClient(options).Probe(Puppet(), MediaKind::kImage),
              StatusIs(StatusCode::kInternal, HasSubstr("/no/such/decoder")));
}

}  // namespace
}  // namespace studio
