#include "pipelines/config/validate.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/config/config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

constexpr char kMinimal[] =
    "data { folder: 'clips' } losses { perceptual { untrained: true } }";

absl::StatusOr<Config> Parse(const std::string& text,
                             const std::vector<std::string>& overrides = {}) {
  return ParseConfig("a.textproto", text, overrides);
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

TEST(ValidateConfig, PassesOverAGlobalTransformThatIsOff) {
  EXPECT_THAT(Parse(kMinimal,
                    {"model.global_transform=false", "model.gradient=IMPLICIT",
                     "model.global.cpab.solver=ADAM"}),
              IsOk());
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
        BadCase{"OneValueForTheBatchNorms",
                kMinimal,
                {"data.height=32", "data.width=32", "training.batch_size=1",
                 "model.dense_motion.num_blocks=3"},
                "training.batch_size is 1 in each process, too few"},
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
        BadCase{"SamOfBrokenPatches",
                kMinimal,
                {"losses.semantic.weight=1", "losses.semantic.untrained=true",
                 "losses.semantic.input_size=100"},
                "losses.semantic.input_size is 100; use a multiple of 16"},
        BadCase{"PromptsThatDoNotDivideTheKeypoints",
                kMinimal,
                {"losses.semantic.weight=1", "losses.semantic.untrained=true",
                 "losses.semantic.keypoints_per_prompt=7"},
                "losses.semantic.keypoints_per_prompt is 7; use a number that "
                "divides the model's 50 keypoints"},
        BadCase{"NoDino",
                kMinimal,
                {"losses.structure.weight=1"},
                "losses.structure: name a file of weights"},
        BadCase{"DinoOfSidesThatAreNot",
                kMinimal,
                {"losses.structure.weight=1", "losses.structure.untrained=true",
                 "losses.structure.input_size=512"},
                "losses.structure.max_size is 480, less than input_size, 512, "
                "which then has no effect; use at least that, or an input_size "
                "of 480"},
        BadCase{"FewerChannelsOfTheHourglassThanItBeginsWith",
                kMinimal,
                {"model.dense_motion.max_features=32"},
                "model.dense_motion.max_features is 32, less than "
                "model.dense_motion.block_expansion, 64"},
        BadCase{"FewerChannelsOfTheInpaintingThanItBeginsWith",
                kMinimal,
                {"model.inpainting.block_expansion=8",
                 "model.inpainting.max_features=6"},
                "model.inpainting.max_features is 6, less than "
                "model.inpainting.block_expansion, 8"},
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
                "use 0.125, 0.25, 0.5 or 1"},
        BadCase{"ScaleNearlyAPowerOfTwo",
                kMinimal,
                {"model.dense_motion.scale_factor=0.2500001"},
                "scale_factor is 0.2500001; use"},
        BadCase{"PuppetsLargerThanAreMade",
                "data { puppets {} } losses { perceptual { untrained: true } }",
                {"data.height=1056"},
                "data.height is 1056, and data.puppets are made up to 1024"},
        BadCase{"PuppetClipsLargerThanAPicture",
                "data { puppets {} } losses { perceptual { untrained: true } }",
                {"data.height=1024", "data.puppets.frames_per_clip=427"},
                "data.puppets.frames_per_clip is 427; use at most 426"}),
    [](const auto& info) { return info.param.what; });

}  // namespace
}  // namespace pipelines
