// Configs and overrides of former versions mean now what they meant then.
#include "pipelines/config/former_fields.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/config/config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

constexpr char kRest[] =
    " data { folder: 'clips' } losses { perceptual { untrained: true } }";

ModelConfig Model(const std::string& text,
                  const std::vector<std::string>& overrides = {}) {
  const auto config =
      ParseConfig("a", "model {" + text + "}" + kRest, overrides);
  EXPECT_THAT(config, IsOk());
  return config.ok() ? config->model() : ModelConfig();
}

TEST(MoveFormerFields, ReadsTheGradientThatWasCpabs) {
  const ModelConfig model = Model("", {"model.local_cpab.gradient=IMPLICIT"});
  EXPECT_EQ(model.gradient(), ModelConfig::IMPLICIT);
  EXPECT_FALSE(model.local().cpab().has_gradient());
  EXPECT_EQ(Model("").gradient(), ModelConfig::DETACHED);
}

TEST(MoveFormerFields, ReadsCpabOptionsAndTheirDefaultsByPlace) {
  const ModelConfig model = Model(
      "local_cpab { tension: 24 } global_cpab { cells_x: 9 prior_length: 2 }");
  EXPECT_EQ(model.local().cpab().tension(), 24);
  EXPECT_EQ(model.local().cpab().prior_length(), 1);
  EXPECT_EQ(model.global().cpab().cells_x(), 9);
  EXPECT_EQ(model.global().cpab().cells_y(), 6);
  EXPECT_EQ(model.global().cpab().prior_length(), 2);
  EXPECT_FALSE(model.has_local_cpab());
  EXPECT_FALSE(model.has_global_cpab());
}

TEST(MoveFormerFields, ReadsTheKindOfBothTransforms) {
  const ModelConfig spline =
      Model("motion: THIN_PLATE bending_ridge: 0.5 affine_ridge: 0.25");
  EXPECT_EQ(spline.local().thin_plate().bending_ridge(), 0.5);
  EXPECT_EQ(spline.global().thin_plate().affine_ridge(), 0.25);
  EXPECT_FALSE(spline.has_motion());

  const ModelConfig affine = Model("motion: AFFINE affine_ridge: 0.25");
  EXPECT_EQ(affine.local().affine().ridge(), 0.25);
  EXPECT_EQ(affine.global().affine().ridge(), 0.25);
}

TEST(MoveFormerFields, DropsOptionsOfOtherKinds) {
  const ModelConfig model =
      Model("motion: AFFINE bending_ridge: 0.5 local_cpab { tension: 24 }");
  EXPECT_TRUE(model.local().has_affine());
  EXPECT_TRUE(model.global().has_affine());
  EXPECT_FALSE(model.has_bending_ridge());
  EXPECT_FALSE(model.has_local_cpab());
}

// Shipped configs have the new names; commands that users have written down,
// the former ones.
TEST(MoveFormerFields, OverridesByFormerNamesComeAfterTheFile) {
  const std::string file = "local { cpab { tension: 24 cells_x: 5 } }";
  const ModelConfig tight = Model(file, {"model.local_cpab.tension=8"});
  EXPECT_EQ(tight.local().cpab().tension(), 8);
  EXPECT_EQ(tight.local().cpab().cells_x(), 5);
  const ModelConfig affine =
      Model(file, {"model.affine_ridge=0.25", "model.motion=AFFINE"});
  EXPECT_EQ(affine.local().affine().ridge(), 0.25);
  EXPECT_TRUE(affine.global().has_affine());
  const ModelConfig same = Model(file, {"model.motion=CPAB"});
  EXPECT_EQ(same.local().cpab().tension(), 24);
}

TEST(MoveFormerFields, OverridesOfCpabsGradientComeAfterTheFile) {
  for (const char* place : {"local_cpab", "local.cpab", "global.cpab"}) {
    const ModelConfig model =
        Model("gradient: IMPLICIT local { cpab {} }",
              {absl::StrCat("model.", place, ".gradient=DETACHED")});
    EXPECT_EQ(model.gradient(), ModelConfig::DETACHED) << place;
    EXPECT_FALSE(model.local().cpab().has_gradient()) << place;
    EXPECT_FALSE(model.global().cpab().has_gradient()) << place;
  }
  EXPECT_EQ(
      Model("local_cpab { gradient: DETACHED }", {"model.gradient=IMPLICIT"})
          .gradient(),
      ModelConfig::IMPLICIT);
}

TEST(MoveFormerFields, OverridesByNewNamesComeAfterAFormerFile) {
  const ModelConfig model =
      Model("motion: AFFINE", {"model.local.cpab.tension=24"});
  EXPECT_EQ(model.local().cpab().tension(), 24);
  EXPECT_TRUE(model.global().has_affine());
}

}  // namespace
}  // namespace pipelines
