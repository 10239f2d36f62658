#include "tools/studio/jobs/job.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/jobs/media_facts.h"

namespace studio {
namespace {

using Json = nlohmann::json;
using ::absl::StatusCode;
using ::testing::HasSubstr;

Job SomeJob() {
  Job job;
  job.id = "AAAAAAAAAAAAAAAAAAAAAA";
  job.state = JobState::kFailed;
  job.created = absl::FromUnixMillis(1700000000123);
  job.started = absl::FromUnixMillis(1700000001000);
  job.request = {{"type", "animate"}, {"driving", "x"}};
  job.progress = {"animating", 7, 98, 12.5, 7.28};
  job.error = JobError{"data_loss", "damaged", "driving"};
  job.warnings = {"dark"};
  job.command = "animate --source=a";
  job.results = {"mp4"};
  job.frames = 98;
  job.frame_width = 256;
  job.frame_height = 128;
  return job;
}

TEST(JobTest, IsTheSameAfterItsJson) {
  const Json json = JobToJson(SomeJob());
  EXPECT_EQ(json["type"], "animate");
  EXPECT_EQ(json["state"], "failed");
  EXPECT_EQ(json["created"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json["ended"], nullptr);
  EXPECT_EQ(json["error"]["field"], "driving");
  const auto job = JobFromJson(json);
  ASSERT_THAT(job, IsOk());
  Json again = JobToJson(*job);
  again["progress"]["seconds_left"] = json["progress"]["seconds_left"];
  EXPECT_EQ(again, json);
}

TEST(JobTest, RefusesWhatIsNoJob) {
  for (const char* field : {"id", "state", "created", "progress", "error"}) {
    Json json = JobToJson(SomeJob());
    json[field] = 7;
    EXPECT_THAT(JobFromJson(json),
                StatusIs(StatusCode::kDataLoss, HasSubstr("is no job")))
        << field;
  }
  EXPECT_THAT(JobFromJson(Json()),
              StatusIs(StatusCode::kDataLoss, HasSubstr("is no job")));
  Json json = JobToJson(SomeJob());
  json["state"] = "asleep";
  EXPECT_THAT(JobFromJson(json),
              StatusIs(StatusCode::kDataLoss, HasSubstr("asleep")));
}

TEST(MediaFactsTest, AreTheSameAfterTheirJson) {
  MediaFacts facts;
  facts.kind = MediaKind::kVideo;
  facts.width = 640;
  facts.height = 480;
  facts.frames = 98;
  facts.fps = 29.97;
  facts.seconds = 3.27;
  facts.sound = true;
  facts.warnings = {"HDR"};
  const auto again = FactsFromJson(FactsToJson(facts));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(FactsToJson(*again), FactsToJson(facts));
}

TEST(MediaFactsTest, RefuseWhatNoDecoderFinds) {
  const std::pair<const char*, Json> bad_cases[] = {
      {"kind", "sound"}, {"kind", 1},         {"width", -1},
      {"width", 1e9},    {"height", 1 << 20}, {"frames", "many"},
      {"fps", -1},       {"seconds", "1"},    {"sound", 0},
      {"warnings", "x"}, {"warnings", {1}}};
  for (const auto& [field, value] : bad_cases) {
    Json json = FactsToJson(MediaFacts());
    json[field] = value;
    EXPECT_THAT(FactsFromJson(json), StatusIs(StatusCode::kInvalidArgument,
                                              HasSubstr("decoder's answer")))
        << field;
  }
  EXPECT_THAT(FactsFromJson(Json::array()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("object")));
}

}  // namespace
}  // namespace studio
