#include "pipelines/puppets/truth.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/puppets/scene.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::puppets {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kSize = 64;
constexpr int kFrames = 24;

Scene MakeScene(uint64_t seed, bool camera_motion) {
  SceneOptions options;
  options.size = kSize;
  options.num_frames = kFrames;
  options.camera_motion = camera_motion;
  return Scene(options, Random({seed}));
}

void WriteTruth(const std::string& folder, const Truth& truth) {
  for (const TruthFile& file : TruthFiles(truth)) {
    std::ofstream(folder + "/" + file.name) << file.content;
  }
}

TEST(ReadTruth, NamesTheFileAndLineOfAMistake) {
  const std::string folder = ::testing::TempDir() + "/bad_truth";
  std::filesystem::create_directories(folder);
  EXPECT_THAT(
      ReadTruth(folder + "/none"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/outlines.csv")));
  WriteTruth(folder, MakeScene(1, false).truth());
  std::ofstream(folder + "/layers.csv")
      << "frame,layer,a,b,c,d,e,f\n0,0,1,0,0,0,1,0\n0,1,1,0,zero,0,1,0\n";
  EXPECT_THAT(ReadTruth(folder), StatusIs(absl::StatusCode::kInvalidArgument,
                                          AllOf(HasSubstr("layers.csv:3"),
                                                HasSubstr("8 numbers"))));
  std::ofstream(folder + "/layers.csv")
      << "frame,layer,a,b,c,d,e,f\n0,0,1,2,0,2,4,0\n";
  EXPECT_THAT(ReadTruth(folder), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("cannot be inverted")));
}

}  // namespace
}  // namespace pipelines::puppets
