#include "tools/studio/jobs/job_request.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using Json = nlohmann::json;
using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json Least() {
  return {{"type", "animate"},
          {"source", "s"},
          {"driving", "d"},
          {"checkpoint", "c"}};
}

JobFiles Files() {
  return {"/jobs/1/source", "/jobs/1/driving", "/models/a b.safetensors",
          "out.mp4"};
}

TEST(JobRequestTest, HasTheDefaultsOfAnimate) {
  const auto request = ParseJobRequest(Least());
  ASSERT_THAT(request, IsOk());
  EXPECT_THAT(
      AnimateFlags(*request, Files()),
      ElementsAre("--source=/jobs/1/source", "--driving=/jobs/1/driving",
                  "--checkpoint=/models/a b.safetensors", "--output=out.mp4"));
  EXPECT_EQ(AnimateCommand("animate", *request, Files()),
            "animate --source=/jobs/1/source --driving=/jobs/1/driving "
            "'--checkpoint=/models/a b.safetensors' --output=out.mp4");
}

TEST(JobRequestTest, HasAFlagForEachField) {
  Json json = Least();
  json["mode"] = "standard";
  json["motion"] = "thin_plate";
  json["start_frame"] = 3;
  json["motion_scales"] = {{"1", 0.8}, {"12", 0}};
  json["crop"] = {{"x", 1}, {"y", 2}, {"side", 30}};
  json["panels"] = {"source", "result"};
  json["size"] = 512;
  json["max_frames"] = 9;
  const auto request = ParseJobRequest(json);
  ASSERT_THAT(request, IsOk());
  std::vector<std::string> flags = AnimateFlags(*request, Files());
  flags.erase(flags.begin(), flags.begin() + 3);
  EXPECT_THAT(flags,
              ElementsAre("--mode=standard", "--motion=thin_plate", "--start=3",
                          "--motion_scale=1=0.8,12=0", "--crop=1,2,30,30",
                          "--panels=source,result", "--size=512",
                          "--max_frames=9", "--output=out.mp4"));
}

TEST(JobRequestTest, HasTheModeOfAnimatesExampleForTheBundledPair) {
  const struct {
    const char* source;
    const char* driving;
    const char* mode;
  } cases[] = {{"bundled:puppet", "bundled:dance", "standard"},
               {"bundled:puppet", "d", "relative"},
               {"s", "bundled:dance", "relative"}};
  for (const auto& c : cases) {
    Json json = Least();
    json["source"] = c.source;
    json["driving"] = c.driving;
    EXPECT_EQ(ParseJobRequest(json)->mode, c.mode) << json;
    json["mode"] = nullptr;
    EXPECT_EQ(ParseJobRequest(json)->mode, c.mode) << json;
    for (const char* mode : {"relative", "standard", "avd"}) {
      json["mode"] = mode;
      EXPECT_EQ(ParseJobRequest(json)->mode, mode) << json;
    }
  }
}

// Jobs of earlier versions can be sent again.
TEST(JobRequestTest, KnowsTheFormerNameOfAPanel) {
  Json json = Least();
  json["panels"] = {"result", "parts"};
  EXPECT_THAT(ParseJobRequest(json)->panels, ElementsAre("result", "sets"));
}

TEST(JobRequestTest, AsksForTheMotionAlone) {
  const auto request = ParseJobRequest(
      {{"type", "motion"}, {"driving", "d"}, {"checkpoint", "c"}});
  ASSERT_THAT(request, IsOk());
  EXPECT_THAT(AnimateFlags(*request, {"", "d.mp4", "c", "m.safetensors"}),
              ElementsAre("--driving=d.mp4", "--checkpoint=c",
                          "--save_motion=m.safetensors"));
}

TEST(JobRequestTest, NamesTheFieldThatIsBad) {
  const struct {
    const char* field;
    Json value;
    const char* message;
  } bad_cases[] = {
      {"type", "train", "use animate or motion"},
      {"source", nullptr, "source is needed"},
      {"driving", 7, "driving is no text"},
      {"checkpoint", "", "checkpoint is needed"},
      {"mode", "absolute", "use relative, standard, avd"},
      {"motion", "spline", "spline"},
      {"start_frame", -1, "from 0"},
      {"start_frame", "last", "use first, auto, keypoints, alignment"},
      {"motion_scales", {{"0", 1}}, "number of a keypoint set, from 1"},
      {"motion_scales", {{"01", 1}}, "number of a keypoint set, from 1"},
      {"motion_scales", {{"1", 2.5}}, "no number from 0 to 2"},
      {"motion_scales", {{"1", "much"}}, "no number from 0 to 2"},
      {"crop", {{"x", 1}}, "no object as"},
      {"crop", {{"x", 1}, {"y", 2}, {"side", 0}}, "crop.side is 0"},
      {"crop", {{"x", 1.5}, {"y", 2}, {"side", 3}}, "crop.x is 1.5"},
      {"panels", Json::array(), "no list of 1 to"},
      {"panels", {"sound"}, "panels has \"sound\""},
      {"size", 1 << 20, "0 to 4096"},
      {"size", 18446744073709551615ULL, "0 to 4096"},
      {"max_frames", "all", "whole number"},
      {"output", "/etc/passwd", "there is no field 'output'"},
  };
  for (const auto& bad : bad_cases) {
    Json json = Least();
    json[bad.field] = bad.value;
    const absl::Status status = ParseJobRequest(json).status();
    EXPECT_THAT(status,
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(bad.message)));
    EXPECT_EQ(FieldOf(status), bad.field) << status;
  }
  EXPECT_THAT(ParseJobRequest(Json::array()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("object")));
}

TEST(JobRequestTest, ExplainsErrorsWithoutFlagsAndPaths) {
  const struct {
    const char* error;
    const char* field;
    const char* message;
  } cases[] = {
      {"--motion: motion is 'x'; use cpab", "motion",
       "motion is 'x'; use cpab"},
      {"--size is '0'; use 512", "size", "size is '0'; use 512"},
      {"/jobs/1/source: is empty", "source", "the picture: is empty"},
      {"/jobs/1/source: the crop from (0, 0) of 9x9 pixels is not within",
       "crop", "the picture: the crop from (0, 0) of 9x9 pixels is not within"},
      {"/jobs/1/driving: is one pose; relative mode shows motion; exchange "
       "source and driving: /jobs/1/source has several frames",
       "mode",
       "the driving video: is one pose; relative mode shows motion; exchange "
       "source and driving: the picture has several frames"},
      {"/models/a b.safetensors: cannot open this file", "checkpoint",
       "a b.safetensors: cannot open this file"},
      {"motion scale of keypoint set 12; the model has 1 to 10",
       "motion_scales",
       "motion scale of keypoint set 12; the model has 1 to 10"},
      {"avd mode needs a checkpoint with an AVD network", "mode",
       "avd mode needs a checkpoint with an AVD network"},
      {"something else", "", "something else"},
  };
  for (const auto& c : cases) {
    const absl::Status explained =
        ExplainError(absl::NotFoundError(c.error), Files());
    EXPECT_THAT(explained, StatusIs(StatusCode::kNotFound, c.message));
    EXPECT_EQ(FieldOf(explained), c.field) << c.error;
  }
}

}  // namespace
}  // namespace studio
