// What configs resolve to, and that no shipped one changes what it means.
#include "pipelines/config/resolve.h"

#include <filesystem>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/config/config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::google::protobuf::util::MessageDifferencer;
using ::networks::files::ReadText;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kShipped[] = "pipelines/config/shipped";
constexpr char kResolved[] = "pipelines/config/testdata/resolved";

constexpr char kMinimal[] =
    "data { folder: 'clips' } losses { perceptual { untrained: true } }";

std::set<std::string> TextFiles(const char* folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".textproto") {
      names.insert(entry.path().filename());
    }
  }
  return names;
}

TEST(ResolveDefaults, SetsWhatIsUnsetAndLeavesWhatIsSet) {
  Config config;
  config.mutable_data()->set_height(96);
  ResolveDefaults(&config);
  EXPECT_EQ(config.data().height(), 96);
  EXPECT_TRUE(config.data().has_width());
  EXPECT_EQ(config.data().width(), 256);
  EXPECT_TRUE(config.training().has_precision());
  EXPECT_EQ(config.training().precision(), TrainingConfig::FLOAT32);
}

TEST(ResolveDefaults, LeavesOutWhatSaysSomethingByBeingThere) {
  Config config;
  ResolveDefaults(&config);
  EXPECT_EQ(config.data().source_case(), DataConfig::SOURCE_NOT_SET);
  EXPECT_FALSE(config.evaluation().has_lpips());
  config.mutable_evaluation()->mutable_lpips();
  ResolveDefaults(&config);
  EXPECT_TRUE(config.evaluation().lpips().has_network());
}

TEST(FillDefaults, SetsWhatTheSchemaGivesToAMessageAroundWhatIsSet) {
  Config config;
  config.mutable_model()->mutable_global()->mutable_cpab()->set_cells_x(9);
  FillDefaults(&config);
  EXPECT_EQ(config.model().global().cpab().cells_x(), 9);
  EXPECT_EQ(config.model().global().cpab().cells_y(), 6);
  EXPECT_TRUE(config.model().local().has_cpab());
  EXPECT_THAT(config.losses().structure().layers(), ElementsAre(-1));
  EXPECT_FALSE(config.has_training());
}

TEST(FillDefaults, LeavesAnotherMemberOfAOneofAlone) {
  Config config;
  config.mutable_model()->mutable_global()->mutable_affine()->set_ridge(0.5);
  FillDefaults(&config);
  EXPECT_FALSE(config.model().global().has_cpab());
  EXPECT_EQ(config.model().global().affine().ridge(), 0.5);
}

TEST(FillDefaults, LeavesAListThatIsSetAlone) {
  Config config;
  config.mutable_losses()->mutable_perceptual()->add_scales(0.5);
  FillDefaults(&config);
  EXPECT_THAT(config.losses().perceptual().scales(), ElementsAre(0.5));
  EXPECT_THAT(config.losses().perceptual().layer_weights(),
              ElementsAre(10, 10, 10, 10, 10));
}

TEST(ResolveDefaults, ChangesNothingTheSecondTime) {
  Config once;
  ResolveDefaults(&once);
  Config twice = once;
  ResolveDefaults(&twice);
  EXPECT_TRUE(MessageDifferencer::Equals(once, twice));
}

TEST(ClearDefaults, ClearsWhatHasTheDefaultOfItsPlace) {
  Config config;
  ResolveDefaults(&config);
  ClearDefaults(&config);
  EXPECT_EQ(config.ByteSizeLong(), 0u) << config.DebugString();
  config.mutable_model()->mutable_global()->mutable_cpab()->set_cells_x(4);
  config.mutable_model()->mutable_local()->mutable_cpab()->set_cells_x(4);
  ClearDefaults(&config);
  EXPECT_TRUE(config.model().global().cpab().has_cells_x());
  EXPECT_FALSE(config.model().has_local());
}

TEST(ClearDefaults, LeavesWhatSaysSomethingByBeingThere) {
  Config config;
  config.mutable_data()->mutable_puppets();
  config.mutable_model()->mutable_local()->mutable_affine();
  config.mutable_evaluation()->mutable_lpips();
  ResolveDefaults(&config);
  ClearDefaults(&config);
  EXPECT_TRUE(config.data().has_puppets());
  EXPECT_TRUE(config.model().local().has_affine());
  EXPECT_FALSE(config.model().local().affine().has_ridge());
  EXPECT_TRUE(config.evaluation().has_lpips());
}

TEST(ClearDefaults, IsUndoneByResolving) {
  for (const std::string& name : TextFiles(kShipped)) {
    const auto config = LoadConfig(fs::path(kShipped) / name, {});
    ASSERT_THAT(config, IsOk());
    Config resolved = *config;
    ResolveDefaults(&resolved);
    Config again = resolved;
    ClearDefaults(&again);
    ResolveDefaults(&again);
    EXPECT_TRUE(MessageDifferencer::Equals(resolved, again)) << name;
  }
}

TEST(ResolvedText, LoadsAgainAsTheSameConfig) {
  const auto config = ParseConfig("a.textproto", kMinimal, {});
  ASSERT_THAT(config, IsOk());
  const std::string text = ResolvedText(*config);
  EXPECT_THAT(text, HasSubstr("learning_rate: 0.0002"));
  EXPECT_THAT(ConfigText(*config), Not(HasSubstr("learning_rate")));
  const auto again = ParseConfig("b.textproto", text, {});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(ResolvedText(*again), text);
}

TEST(ShippedConfigs, EachHasItsResolvedText) {
  EXPECT_EQ(TextFiles(kShipped), TextFiles(kResolved));
}

// testdata/README.md says how the files were made. Fields that are newer than a
// file are not compared: their default is what there was before them.
TEST(ShippedConfigs, ResolveToWhatTheyAlwaysDid) {
  for (const std::string& name : TextFiles(kResolved)) {
    const auto then =
        ParseConfig(name, ReadText(fs::path(kResolved) / name), {});
    ASSERT_THAT(then, IsOk());
    const auto now = LoadConfig(fs::path(kShipped) / name, {});
    ASSERT_THAT(now, IsOk());
    Config resolved = *now;
    ResolveDefaults(&resolved);
    MessageDifferencer differencer;
    differencer.set_scope(MessageDifferencer::PARTIAL);
    std::string report;
    differencer.ReportDifferencesToString(&report);
    EXPECT_TRUE(differencer.Compare(*then, resolved)) << name << "\n" << report;
  }
}

}  // namespace
}  // namespace pipelines
