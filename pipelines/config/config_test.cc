#include "pipelines/config/config.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kMinimal[] =
    "data { folder: 'clips' } losses { perceptual { untrained: true } }";

absl::StatusOr<Config> Parse(const std::string& text,
                             const std::vector<std::string>& overrides = {}) {
  return ParseConfig("a.textproto", text, overrides);
}

TEST(Config, FillsDefaultsThatDependOnTheirPlace) {
  const absl::StatusOr<Config> config = Parse(kMinimal);
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->model().local().has_cpab());
  EXPECT_EQ(config->model().global().cpab().cells_x(), 6);
  EXPECT_EQ(config->model().local().cpab().cells_x(), 4);
  EXPECT_EQ(config->model().local().cpab().prior_length(), 1);
  EXPECT_EQ(config->model().global().cpab().prior_length(), 0.3);
  EXPECT_THAT(config->losses().perceptual().scales(),
              ElementsAre(1, 0.5, 0.25, 0.125));
}

// As editors on Windows save a file.
TEST(Config, ReadsAByteOrderMarkAndWindowsLineEnds) {
  const auto config = Parse(
      "\xEF\xBB\xBF# A comment.\r\ndata {\r\n  folder: 'clips'\r\n}\r\n"
      "losses { perceptual { untrained: true } }\r\n");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->data().folder(), "clips");
}

TEST(Config, TextReadsBackEqual) {
  const absl::StatusOr<Config> config = Parse(kMinimal);
  ASSERT_THAT(config, IsOk());
  const absl::StatusOr<Config> again = Parse(ConfigText(*config));
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(ConfigDifferences(*config, *again), IsEmpty());
}

TEST(Config, DifferencesNameFieldAndValues) {
  const absl::StatusOr<Config> a = Parse(kMinimal);
  const absl::StatusOr<Config> b = Parse(kMinimal, {"training.batch_size=3"});
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  EXPECT_THAT(ConfigDifferences(*a, *b),
              ElementsAre(HasSubstr("training.batch_size: 28 -> 3")));
}

TEST(Config, DifferencesSeeAnotherMotionModel) {
  const absl::StatusOr<Config> a = Parse(kMinimal, {"model.local=affine {}"});
  const absl::StatusOr<Config> b = Parse(kMinimal, {"model.local.cpab="});
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  EXPECT_THAT(ConfigDifferences(*a, *b),
              UnorderedElementsAre(HasSubstr("model.local.affine"),
                                   HasSubstr("model.local.cpab")));
  EXPECT_THAT(ConfigDifferences(*b, *Parse(kMinimal)), IsEmpty());
}

TEST(Config, DifferencesPassOverAGlobalTransformThatIsOff) {
  const absl::StatusOr<Config> a =
      Parse(kMinimal, {"model.global_transform=false"});
  const absl::StatusOr<Config> b = Parse(
      kMinimal, {"model.global_transform=false", "model.global=affine {}"});
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  EXPECT_THAT(ConfigDifferences(*a, *b), IsEmpty());
}

TEST(Config, MissingFileIsNamed) {
  EXPECT_THAT(LoadConfig("no/such.textproto", {}),
              StatusIs(StatusCode::kNotFound, HasSubstr("no/such.textproto")));
}

TEST(Config, AFileThatCannotBeReadSaysWhy) {
  EXPECT_THAT(LoadConfig(testing::TempDir(), {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is a folder")));
  // Was read until memory ended.
  EXPECT_THAT(LoadConfig("/dev/zero", {}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("is larger than 1048576 bytes")));
  EXPECT_THAT(LoadConfig("/dev/null", {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is empty")));
}

}  // namespace
}  // namespace pipelines
