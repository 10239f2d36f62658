#include "pipelines/config/config.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/config/override.h"
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

TEST(Config, OverridesReplaceScalarsListsStringsAndEnums) {
  const absl::StatusOr<Config> config =
      Parse(kMinimal,
            {"training.batch_size=3", "losses.perceptual.scales=[1, 0.5]",
             "data.folder=/my clips/a", "model.local.cpab.solver=ADAM",
             "data.augmentation.time_flip=false", "training.milestones=60"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->training().batch_size(), 3);
  EXPECT_THAT(config->losses().perceptual().scales(), ElementsAre(1, 0.5));
  EXPECT_EQ(config->data().folder(), "/my clips/a");
  EXPECT_EQ(config->model().local().cpab().solver(), CpabConfig::ADAM);
  EXPECT_FALSE(config->data().augmentation().time_flip());
  EXPECT_THAT(config->training().milestones(), ElementsAre(60));
}

TEST(Config, OverridesExchangePuppetsAndAFolder) {
  const auto folder =
      Parse("data { puppets {} } losses { perceptual { untrained: true } }",
            {"data.folder=clips"});
  ASSERT_THAT(folder, IsOk());
  EXPECT_FALSE(folder->data().has_puppets());
  const auto puppets = Parse(kMinimal, {"data.puppets.num_train=5"});
  ASSERT_THAT(puppets, IsOk());
  EXPECT_TRUE(puppets->data().has_puppets());
  EXPECT_EQ(puppets->data().folder(), "");
}

TEST(Config, OverridesEmptyAListAndMergeMessages) {
  const auto config = Parse(
      "data { folder: 'clips' height: 128 } "
      "losses { perceptual { untrained: true } } "
      "training { milestones: [3, 4] }",
      {"training.milestones=[]", "data=width: 128 repeats: 3",
       "model.dense_motion.num_blocks=3"});
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->training().milestones(), IsEmpty());
  EXPECT_EQ(config->data().height(), 128);
  EXPECT_EQ(config->data().width(), 128);
  EXPECT_EQ(config->data().repeats(), 3);
}

// As editors on Windows save a file.
TEST(Config, ReadsAByteOrderMarkAndWindowsLineEnds) {
  const auto config = Parse(
      "\xEF\xBB\xBF# A comment.\r\ndata {\r\n  folder: 'clips'\r\n}\r\n"
      "losses { perceptual { untrained: true } }\r\n");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->data().folder(), "clips");
}

TEST(RefuseOtherOverrides, NamesTheFieldWithoutEffect) {
  EXPECT_THAT(RefuseOtherOverrides(
                  {"data.height=64", "training.seed=1", "evaluation=x: 1"},
                  {"data", "evaluation", "training.seed"}),
              IsOk());
  EXPECT_THAT(
      RefuseOtherOverrides({"data.height=64", "model.num_transforms=3"},
                           {"data", "evaluation"}),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("override model.num_transforms=3: this field has no "
                         "effect here; overrides are for the fields of data, "
                         "evaluation")));
  EXPECT_FALSE(RefuseOtherOverrides({"database=1"}, {"data"}).ok());
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

struct BadCase {
  const char* what;
  const char* text;
  std::vector<std::string> overrides;
  const char* message;
};

class BadConfigTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfigTest, IsNamed) {
  EXPECT_THAT(
      Parse(GetParam().text, GetParam().overrides),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadConfigTest,
    testing::Values(
        BadCase{"MisspeltField",
                "training { bach_size: 3 }",
                {},
                "Did you mean 'batch_size'?"},
        BadCase{"Position", "data {\n  height: abc }", {}, "a.textproto:2:11:"},
        BadCase{"UnclosedMessage", "data { height: 64", {}, "a.textproto:1:"},
        BadCase{
            "OutOfRange",
            kMinimal,
            {"model.num_transforms=0"},
            "override model.num_transforms=0: model.num_transforms is 0; use a "
            "value in [1, 64]"},
        BadCase{"TooFewBlocksForTheMasks",
                kMinimal,
                {"model.dense_motion.scale_factor=0.5",
                 "model.dense_motion.num_blocks=2"},
                "model.dense_motion.num_blocks is 2; with multi_mask, a "
                "scale_factor of 0.5 needs 3 blocks or more"},
        BadCase{"MotionWithoutALoss",
                kMinimal,
                {"training.motion_steps=9"},
                "training.motion_steps needs losses.photometric"},
        BadCase{"RepeatedOutOfRange",
                kMinimal,
                {"losses.perceptual.scales=[1, 7]"},
                "losses.perceptual.scales[1] is 7"},
        BadCase{"NotFinite",
                kMinimal,
                {"losses.warp=inf"},
                "losses.warp is inf; use a finite number"},
        BadCase{"MisspeltOverride",
                kMinimal,
                {"model.denze_motion.x=1"},
                "Did you mean 'dense_motion'?"},
        BadCase{"TheOneOverrideThatIsWrong",
                kMinimal,
                {"data.width=64", "data.height=100",
                 "model.dense_motion.num_blocks=4"},
                "override data.height=100: data.height is 100"},
        BadCase{"OverridesThatAreWrongTogether",
                kMinimal,
                {"data.height=64", "data.width=64"},
                "overrides data.height=64, data.width=64: "},
        BadCase{"FileDespiteOverrides",
                "data { folder: 'x' }",
                {"data.height=512"},
                "a.textproto: losses.perceptual: name a file"},
        BadCase{"OverrideThatClosesItsField",
                kMinimal,
                {"data=folder: \"x\" } training { seed: 5"},
                "override data=folder: \"x\" } training { seed: 5: value:1:"},
        BadCase{"OverrideThatGoesOnWithAnotherField",
                kMinimal,
                {"training.seed=5 batch_size: 3"},
                "'5 batch_size: 3' is not a value of this field (uint64)"},
        BadCase{"StringThatGoesOnWithAnotherField",
                kMinimal,
                {"data.folder=\"x\" height: 64"},
                "is not a value of this field (string)"},
        BadCase{"FieldOfAnOverriddenMessage",
                kMinimal,
                {"training=bach_size: 3"},
                "Did you mean 'batch_size'?"},
        BadCase{"OverrideOfWrongType",
                kMinimal,
                {"training.batch_size=many"},
                "'many' is not a value of this field (int32)"},
        BadCase{"OverrideWithoutValue",
                kMinimal,
                {"training.batch_size"},
                "write it as path.to.field=value"},
        BadCase{"NoData",
                "losses { perceptual { untrained: true } }",
                {},
                "set data.folder"},
        BadCase{"NoVgg", "data { folder: 'x' }", {}, "untrained: true"},
        BadCase{"NoSam",
                kMinimal,
                {"losses.semantic.weight=1"},
                "losses.semantic: name a file of weights"},
        BadCase{"NoDino",
                kMinimal,
                {"losses.structure.weight=1"},
                "losses.structure: name a file of weights"},
        BadCase{"NoSuchGradient",
                kMinimal,
                {"model.gradient=THROUGH"},
                "'THROUGH' is not a value of this field (one of DETACHED, "
                "IMPLICIT)"},
        BadCase{"GradientOfAdam",
                kMinimal,
                {"model.gradient=IMPLICIT", "model.global.cpab.solver=ADAM"},
                "model.gradient is IMPLICIT, but model.global.cpab.solver is "
                "ADAM"},
        BadCase{"OddSize",
                kMinimal,
                {"data.height=100"},
                "data.height is 100; use a multiple of 32"},
        BadCase{"TooManyHalvings",
                kMinimal,
                {"data.height=64", "data.width=64"},
                "model.dense_motion.num_blocks is 5"},
        BadCase{"UnknownFrozenPart",
                kMinimal,
                {"training.frozen=[\"kp_detec\"]"},
                "training.frozen has 'kp_detec'; the model's modules are "
                "kp_detector,"},
        BadCase{"NothingToTrain",
                kMinimal,
                {"model.background=false",
                 "training.frozen=[\"kp_detector\", \"dense_motion_network\", "
                 "\"inpainting_network\"]"},
                "nothing is left to train"},
        BadCase{"Utf16", "\xFF\xFE d", {}, "a.textproto: is text in UTF-16"},
        BadCase{"PyramidTooSmall",
                kMinimal,
                {"losses.perceptual.scales=[1, 0.05]"},
                "smaller than the 16 that VGG-19 needs"},
        BadCase{"ScaleNoPowerOfTwo",
                kMinimal,
                {"model.dense_motion.scale_factor=0.3"},
                "use 0.125, 0.25, 0.5 or 1"}),
    [](const auto& info) { return info.param.what; });

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
