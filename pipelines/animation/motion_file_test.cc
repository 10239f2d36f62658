#include "pipelines/animation/motion_file.h"

#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/safetensors_header.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file as another program would write it.
struct Written {
  struct Tensor {
    std::string dtype;
    std::vector<int64_t> shape;
    std::string bytes;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata = {{"format", "cpab-motion"},
                                                 {"version", "1"}};

  template <typename T>
  void Set(const std::string& name, const std::string& dtype,
           std::vector<int64_t> shape, const std::vector<T>& values) {
    tensors[name] = {dtype, std::move(shape),
                     std::string(reinterpret_cast<const char*>(values.data()),
                                 values.size() * sizeof(T))};
  }

  std::string Bytes() const {
    std::vector<networks::weights::SafetensorsField> fields;
    std::string data;
    for (const auto& [name, tensor] : tensors) {
      fields.push_back({name, tensor.dtype, tensor.shape, tensor.bytes.size()});
      data += tensor.bytes;
    }
    return *networks::weights::FormatSafetensorsHeader(fields, metadata) + data;
  }
};

// Two frames of two sets of one keypoint each, and nothing that may be left
// out.
Written Shortest() {
  Written file;
  file.Set<float>("keypoints", "F32", {2, 2, 1, 2},
                  {0, 0.5, -1, 1, 0.25, 0, 1, -1});
  return file;
}

class MotionFileTest : public networks::files::FolderTest {
 protected:
  absl::StatusOr<RecordedMotion> Read(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return ReadMotionFile(path_);
  }

  const std::string path_ = Path("x.motion.safetensors");
};

RecordedMotion WithoutFrames() {
  RecordedMotion motion;
  motion.num_sets = 2;
  motion.keypoints_per_set = 3;
  motion.frame_rate = {30000, 1001};
  motion.time_base = {1, 90000};
  motion.picture_size = {640, 480};
  motion.detector = std::string(64, 'a');
  return motion;
}

TEST_F(MotionFileTest, HoldsWhatWasWrittenToTheBit) {
  auto writer = MotionFileWriter::Create(path_, WithoutFrames());
  ASSERT_THAT(writer, IsOk());
  const std::vector<float> first(12, 0.1f), second(12, -1.75f);
  writer->Add(first.data(), -3003, 3003);
  writer->Add(second.data(), 6006, 0);
  ASSERT_THAT(writer->Finish(), IsOk());
  const auto motion = ReadMotionFile(path_);
  ASSERT_THAT(motion, IsOk());
  EXPECT_EQ(motion->num_sets, 2);
  EXPECT_EQ(motion->keypoints_per_set, 3);
  EXPECT_EQ(motion->frame_rate.num, 30000);
  EXPECT_EQ(motion->time_base.den, 90000);
  EXPECT_EQ(motion->picture_size, cv::Size(640, 480));
  EXPECT_EQ(motion->detector, std::string(64, 'a'));
  EXPECT_THAT(motion->times, ElementsAre(-3003, 6006));
  EXPECT_THAT(motion->durations, ElementsAre(3003, 0));
  std::vector<float> all = first;
  all.insert(all.end(), second.begin(), second.end());
  EXPECT_EQ(motion->keypoints, all);
}

// As recorders write that set the clock of the day.
TEST_F(MotionFileTest, HoldsTimesThatCountFrom1970) {
  RecordedMotion head = WithoutFrames();
  head.time_base = {1, 1000};
  auto writer = MotionFileWriter::Create(path_, head);
  ASSERT_THAT(writer, IsOk());
  const std::vector<float> keypoints(12, 0.1f);
  const int64_t now = 1760000000000;
  writer->Add(keypoints.data(), now, 40);
  writer->Add(keypoints.data(), now + 40, 40);
  ASSERT_THAT(writer->Finish(), IsOk());
  const auto motion = ReadMotionFile(path_);
  ASSERT_THAT(motion, IsOk());
  EXPECT_THAT(motion->times, ElementsAre(now, now + 40));
}

TEST_F(MotionFileTest, AppearsOnlyWhenItIsFinished) {
  {
    auto writer = MotionFileWriter::Create(path_, WithoutFrames());
    ASSERT_THAT(writer, IsOk());
    EXPECT_THAT(writer->Finish(),
                StatusIs(StatusCode::kFailedPrecondition, HasSubstr(path_)));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(MotionFileTest, ReplacesNothingUnlessTold) {
  std::ofstream(path_) << "precious";
  networks::files::OutputOptions options;
  options.overwrite = false;
  EXPECT_THAT(
      MotionFileWriter::Create(path_, WithoutFrames(), options).status(),
      StatusIs(StatusCode::kAlreadyExists, HasSubstr(path_)));
}

TEST_F(MotionFileTest, NeedsKeypointsOnly) {
  const auto motion = Read(Shortest().Bytes());
  ASSERT_THAT(motion, IsOk());
  EXPECT_EQ(motion->num_sets, 2);
  EXPECT_EQ(motion->keypoints_per_set, 1);
  EXPECT_EQ(motion->num_frames(), 2);
  EXPECT_EQ(motion->frame_values(), 4);
  EXPECT_THAT(motion->times, ElementsAre(0, 1));
  EXPECT_THAT(motion->durations, ElementsAre(1, 1));
  EXPECT_EQ(motion->time_base.value(), 1.0 / 25);
  EXPECT_EQ(motion->detector, "");
  EXPECT_TRUE(motion->picture_size.empty());
}

TEST_F(MotionFileTest, FillsInTimes) {
  Written file = Shortest();
  file.metadata["frame_rate"] = "30";
  EXPECT_EQ(Read(file.Bytes())->time_base.value(), 1.0 / 30);
  file.metadata["time_base"] = "1/600";
  EXPECT_THAT(Read(file.Bytes())->times, ElementsAre(0, 20));
  file.Set<int64_t>("times", "I64", {2}, {600, 1000});
  EXPECT_THAT(Read(file.Bytes())->times, ElementsAre(600, 1000));
  EXPECT_THAT(Read(file.Bytes())->durations, ElementsAre(400, 400));
}

TEST_F(MotionFileTest, TakesFloat64AndWhatItDoesNotKnow) {
  Written file;
  file.Set<double>("keypoints", "F64", {1, 1, 2, 2}, {0.5, 0.25, -0.5, 1});
  file.Set<float>("more", "F32", {1}, {0});
  file.metadata["note"] = "by hand";
  const auto motion = Read(file.Bytes());
  ASSERT_THAT(motion, IsOk());
  EXPECT_THAT(motion->keypoints, ElementsAre(0.5f, 0.25f, -0.5f, 1.0f));
  EXPECT_THAT(motion->durations, ElementsAre(1));
}

TEST_F(MotionFileTest, IsKnownByNameOrContent) {
  EXPECT_TRUE(IsMotionFile("/nowhere/x.motion.safetensors"));
  EXPECT_FALSE(IsMotionFile("/nowhere/x.mp4"));
  EXPECT_FALSE(IsMotionFile("camera:0"));
  EXPECT_FALSE(IsMotionFile(folder_));
  for (const char* name : {"/motion", "/motion.mp4"}) {
    std::ofstream(folder_ + name, std::ios::binary) << Shortest().Bytes();
    EXPECT_TRUE(IsMotionFile(folder_ + name));
  }
  std::ofstream(folder_ + "/text.mp4") << "{\"a\": 1} and so on";
  EXPECT_FALSE(IsMotionFile(folder_ + "/text.mp4"));
}

TEST_F(MotionFileTest, StopsWaitingForAPipe) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(ReadMotionFile(path_, [] { return true; }),
              StatusIs(StatusCode::kCancelled, HasSubstr(path_)));
}

// Every cut is named as one; none is a crash or a shorter motion.
TEST_F(MotionFileTest, RefusesEveryTruncation) {
  const std::string whole = Shortest().Bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Read(whole.substr(0, size)),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(path_)))
        << size << " bytes";
  }
  EXPECT_THAT(Read(whole + "x"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(path_)));
  fs::remove(path_);
  EXPECT_THAT(ReadMotionFile(path_),
              StatusIs(StatusCode::kNotFound, HasSubstr(path_)));
}

struct BadMotion {
  const char* name;
  std::function<void(Written*)> spoil;
  const char* says;
};

class BadMotionTest : public MotionFileTest,
                      public testing::WithParamInterface<BadMotion> {};

TEST_P(BadMotionTest, IsNamed) {
  Written file = Shortest();
  GetParam().spoil(&file);
  EXPECT_THAT(Read(file.Bytes()),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path_), HasSubstr(GetParam().says))));
}

void SetMetadata(Written* file, const char* key, const char* value) {
  file->metadata[key] = value;
}

// Keypoints of the first frame's second set.
void SetKeypoint(Written* file, float value) {
  file->Set<float>("keypoints", "F32", {1, 2, 1, 2}, {0, 0, 0, value});
}

const BadMotion kBadMotions[] = {
    {"NoMotion", [](Written* f) { f->metadata.clear(); }, "is no motion file"},
    {"LaterVersion", [](Written* f) { SetMetadata(f, "version", "2"); },
     "of version 2; this program reads up to 1"},
    {"NoVersion", [](Written* f) { f->metadata.erase("version"); },
     "the version is ''"},
    {"NoKeypoints", [](Written* f) { f->tensors.clear(); },
     "no tensor 'keypoints'"},
    {"OtherShape",
     [](Written* f) {
       f->Set<float>("keypoints", "F32", {1, 2}, {0, 0});
     },
     "have the shape [1, 2]; it must be [frames, sets"},
    {"NoSets",
     [](Written* f) {
       f->Set<float>("keypoints", "F32", {1, 0, 5, 2}, {});
     },
     "have the shape [1, 0, 5, 2]"},
    {"NoFrames",
     [](Written* f) {
       f->Set<float>("keypoints", "F32", {0, 2, 1, 2}, {});
     },
     "holds no frame"},
    {"OtherType",
     [](Written* f) {
       f->Set<int64_t>("keypoints", "I64", {1, 1, 1, 2}, {0, 0});
     },
     "the type I64; use F32"},
    {"NaN", [](Written* f) { SetKeypoint(f, std::nanf("")); },
     "frame 0, keypoint set 2: a keypoint is at nan"},
    {"Infinite", [](Written* f) { SetKeypoint(f, -INFINITY); }, "at -inf"},
    {"FarAway", [](Written* f) { SetKeypoint(f, 101); }, "at 101"},
    {"TimesOfOtherLength",
     [](Written* f) {
       f->Set<int64_t>("times", "I64", {3}, {0, 1, 2});
     },
     "times have the shape [3]; it must be [2]"},
    {"TimesThatDoNotRise",
     [](Written* f) {
       f->Set<int64_t>("times", "I64", {2}, {5, 5});
     },
     "must rise; frame 1 has 5 after 5"},
    {"TimesInSeconds",
     [](Written* f) {
       f->Set<double>("times", "F64", {2}, {0, 0.04});
     },
     "times have the type F64; use I64"},
    {"TimesWithoutEnd",
     [](Written* f) {
       f->Set<int64_t>("times", "I64", {2}, {0, INT64_MAX});
     },
     "at most 1e+10 s"},
    {"TimesFarApart",
     [](Written* f) {
       f->Set<int64_t>("times", "I64", {2}, {-200000000000, 200000000000});
     },
     "durations, which follow from the times, hold 400000000000, in units of "
     "1/25 s; at most 1e+10 s"},
    {"FramesThatLastTooLong",
     [](Written* f) {
       SetMetadata(f, "frame_rate", "1/2147483647");
       SetMetadata(f, "time_base", "1/2147483647");
     },
     "2 frames of 1/2147483647 a second last too long; at most 5.36871e+08 s"},
    {"NegativeDuration",
     [](Written* f) {
       f->Set<int64_t>("durations", "I64", {2}, {1, -1});
     },
     "a frame lasts -1"},
    {"NoRate", [](Written* f) { SetMetadata(f, "frame_rate", "0/1"); },
     "frame_rate is '0/1'"},
    {"NoTimeBase", [](Written* f) { SetMetadata(f, "time_base", "1/25 s"); },
     "time_base is '1/25 s'"},
    {"UnitsThatDoNotFit",
     [](Written* f) { SetMetadata(f, "time_base", "1/24"); },
     "does not last a whole number of units of 1/24 s"},
    {"NoWidth", [](Written* f) { SetMetadata(f, "width", "-1"); },
     "width is '-1'"},
    {"NoFingerprint", [](Written* f) { SetMetadata(f, "detector", "tps-vox"); },
     "detector is 'tps-vox'"},
};

INSTANTIATE_TEST_SUITE_P(Cases, BadMotionTest, testing::ValuesIn(kBadMotions),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace pipelines
