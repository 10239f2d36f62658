#include "pipelines/config/override.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/config/config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMinimal[] =
    "data { folder: 'clips' } losses { perceptual { untrained: true } }";

absl::StatusOr<Config> Parse(const std::string& text,
                             const std::vector<std::string>& overrides = {}) {
  return ParseConfig("a.textproto", text, overrides);
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

TEST(Config, OverridesOfOneStringMayBeginAsAListDoes) {
  const auto config = Parse(kMinimal, {"data.folder=[2024] clips",
                                       "training.frozen=[\"kp_detector\"]"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->data().folder(), "[2024] clips");
  EXPECT_THAT(config->training().frozen(), ElementsAre("kp_detector"));
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

TEST(Config, OverridesOfMessagesReplaceListsInThem) {
  const std::string text =
      "data { folder: 'clips' } "
      "losses { perceptual { untrained: true scales: [1, 0.25] } }";
  for (const char* override :
       {"losses.perceptual=scales: 0.5", "losses=perceptual { scales: 0.5 }"}) {
    const auto config = Parse(text, {override});
    ASSERT_THAT(config, IsOk());
    EXPECT_THAT(config->losses().perceptual().scales(), ElementsAre(0.5));
    EXPECT_TRUE(config->losses().perceptual().untrained());
  }
}

TEST(Config, OverridesOfMessagesEmptyListsInThem) {
  const std::string text =
      std::string(kMinimal) +
      " training { milestones: [3, 4] frozen: 'kp_detector' }";
  const auto config =
      Parse(text, {"training=frozen: [], batch_size: 3",
                   "losses=perceptual { scales: 0.5 scales: [] }"});
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->training().frozen(), IsEmpty());
  EXPECT_THAT(config->training().milestones(), ElementsAre(3, 4));
  EXPECT_EQ(config->training().batch_size(), 3);
  EXPECT_THAT(config->losses().perceptual().scales(), ElementsAre(0.5));
}

TEST(Config, OverridesWithoutTheRightMessagesNameThePath) {
  struct {
    const char* override;
    const char* message;
  } const kCases[] = {
      {"max_steps=2", " Did you mean 'training.max_steps'?"},
      {"max_stepz=2", " Did you mean 'training.max_steps'?"},
      {"data.max_steps=2", " Did you mean 'training.max_steps'?"},
      {"batch_size=2", " Did you mean 'training.batch_size' or "},
      {"perceptual.weights=x", " Did you mean 'losses.perceptual.weights'?"},
      {"folder=x", " Did you mean 'data.folder'?"},
      {"model.num_transform=2", " Did you mean 'num_transforms'?"},
      {"zzzzzzzz=2", " Its fields are: "}};
  for (const auto& [override, message] : kCases) {
    EXPECT_THAT(Parse(kMinimal, {override}),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(message)))
        << override;
  }
}

// A config without such a list has the schema's.
TEST(Config, OverridesDoNotEmptyAListThatHasDefaults) {
  for (const char* override :
       {"losses.perceptual.scales=[]", "losses.perceptual=scales: []",
        "losses=perceptual { scales: [] }"}) {
    EXPECT_THAT(
        Parse(kMinimal, {override}),
        StatusIs(StatusCode::kInvalidArgument,
                 HasSubstr(std::string("override ") + override +
                           ": an empty list stands for the default one of "
                           "'scales'; name at least one value")));
  }
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

}  // namespace
}  // namespace pipelines
