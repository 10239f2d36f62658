#include "tools/studio/jobs/media_facts.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::absl::StatusCode;
using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr MediaKind kAllKinds[] = {MediaKind::kImage, MediaKind::kVideo,
                                   MediaKind::kMotion};

MediaFacts SomeFacts() {
  MediaFacts facts;
  facts.kind = MediaKind::kVideo;
  facts.width = 640;
  facts.height = 480;
  facts.frames = int64_t{1} << 33;
  facts.fps = 23.976;
  facts.seconds = 12.5;
  facts.sound = true;
  facts.warnings = {"one", "two"};
  return facts;
}

// FactsFromJson of SomeFacts() with another value of a field.
absl::Status With(const std::string& field, const json& value) {
  json changed = FactsToJson(SomeFacts());
  changed[field] = value;
  return FactsFromJson(changed).status();
}

TEST(MediaKind, HasANameThatIsReadBack) {
  for (const MediaKind kind : kAllKinds) {
    EXPECT_THAT(ParseMediaKind(MediaKindName(kind)), IsOkAndHolds(kind));
  }
  EXPECT_EQ(MediaKindName(MediaKind::kMotion), "motion");
  EXPECT_STREQ(MediaNoun(MediaKind::kMotion), "the motion file");
  for (const char* const name : {"", "Image", "image ", "sound"}) {
    EXPECT_THAT(ParseMediaKind(name), StatusIs(StatusCode::kInvalidArgument,
                                               HasSubstr("use image, video")));
  }
}

TEST(MediaFacts, AreReadBackFromTheirText) {
  const MediaFacts facts = SomeFacts();
  const auto read = FactsFromJson(json::parse(FactsToJson(facts).dump()));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->kind, facts.kind);
  EXPECT_EQ(read->width, facts.width);
  EXPECT_EQ(read->height, facts.height);
  EXPECT_EQ(read->frames, facts.frames);
  EXPECT_EQ(read->fps, facts.fps);
  EXPECT_EQ(read->seconds, facts.seconds);
  EXPECT_EQ(read->sound, facts.sound);
  EXPECT_THAT(read->warnings, ElementsAre("one", "two"));
}

TEST(MediaFacts, HaveTheFieldsThatTheirCommentSays) {
  EXPECT_EQ(FactsToJson({}),
            json::parse(R"({"kind": "image", "width": 0, "height": 0,
                            "frames": 1, "fps": 0.0, "seconds": 0.0,
                            "sound": false, "warnings": []})"));
}

TEST(MediaFacts, NameAFieldThatIsMissing) {
  const json whole = FactsToJson(SomeFacts());
  for (const auto& [field, value] : whole.items()) {
    json without = whole;
    without.erase(field);
    EXPECT_THAT(FactsFromJson(without),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr(absl::StrCat("'", field, "'"))));
  }
  for (const json& other : {json(), json(3), json("text"), json::array()}) {
    EXPECT_THAT(FactsFromJson(other),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("'object'")));
  }
}

TEST(MediaFacts, NameAFieldOfAnotherType) {
  const struct {
    const char* field;
    std::vector<json> bad;
  } kFields[] = {
      {"kind", {nullptr, 3, "sound", json::array()}},
      {"width", {nullptr, "7", 1.5, true, json::array()}},
      {"height", {nullptr, "7", 1.5, true, json::array()}},
      {"frames", {nullptr, "7", 1.5, true, json::array()}},
      {"fps", {nullptr, "7", true, json::array()}},
      {"seconds", {nullptr, "7", true, json::array()}},
      {"sound", {nullptr, 1, "true", json::array()}},
      {"warnings", {nullptr, "w", json::object(), json::array({3})}},
  };
  for (const auto& [field, bad] : kFields) {
    for (const json& value : bad) {
      EXPECT_THAT(With(field, value),
                  StatusIs(StatusCode::kInvalidArgument,
                           HasSubstr(absl::StrCat("'", field, "'"))))
          << value;
    }
  }
}

TEST(MediaFacts, KeepToTheirRanges) {
  const struct {
    const char* field;
    json largest, too_large;
  } kRanges[] = {
      {"width", 65536, 65537},
      {"height", 65536, 65537},
      {"frames", int64_t{1} << 40, (int64_t{1} << 40) + 1},
      {"frames", 0, std::numeric_limits<uint64_t>::max()},
      {"fps", 1e9, 1.1e9},
      {"seconds", 1e9, std::numeric_limits<double>::infinity()},
  };
  for (const auto& range : kRanges) {
    EXPECT_THAT(With(range.field, range.largest), IsOk()) << range.field;
    for (const json& bad : {range.too_large, json(-1)}) {
      EXPECT_THAT(With(range.field, bad), Not(IsOk())) << range.field << bad;
    }
  }
  EXPECT_THAT(With("fps", std::numeric_limits<double>::quiet_NaN()),
              Not(IsOk()));
}

// A decoder that a file has taken over may send any number of any length.
TEST(MediaFacts, HoldABoundedNumberOfWarningsOfBoundedLength) {
  json facts = FactsToJson(SomeFacts());
  facts["warnings"] = json::array({std::string(5000, 'w')});
  const auto read = FactsFromJson(facts);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->warnings, ElementsAre(SizeIs(2000)));
  EXPECT_THAT(With("warnings", std::vector<std::string>(100, "w")), IsOk());
  EXPECT_THAT(With("warnings", std::vector<std::string>(101, "w")),
              Not(IsOk()));
}

// They are stored and served as JSON, of which half a character is none.
TEST(MediaFacts, CutAWarningBetweenCharacters) {
  for (const std::string character : {"\u00e9", "\u20ac", "\U0001f600"}) {
    std::string warning = "w";
    while (warning.size() < 3000) warning += character;
    json facts = FactsToJson(SomeFacts());
    facts["warnings"] = json::array({warning});
    const auto read = FactsFromJson(facts);
    ASSERT_THAT(read, IsOk());
    const std::string& kept = read->warnings[0];
    EXPECT_GT(kept.size(), 2000 - character.size());
    EXPECT_LE(kept.size(), 2000u);
    EXPECT_EQ(FactsFromJson(json::parse(FactsToJson(*read).dump()))->warnings,
              read->warnings);
  }
}

}  // namespace
}  // namespace studio
