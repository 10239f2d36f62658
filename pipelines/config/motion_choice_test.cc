#include "pipelines/config/motion_choice.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

TEST(ParseMotion, ReadsEveryNameAlone) {
  EXPECT_GE(MotionNames().size(), 5u);
  for (const std::string& name : MotionNames()) {
    const auto motion = ParseMotion(name);
    ASSERT_THAT(motion, IsOk()) << name;
    EXPECT_GT(motion->ByteSizeLong(), 0u) << name;
  }
  EXPECT_TRUE(ParseMotion(" thin_plate ")->has_thin_plate());
}

TEST(IsFittedByKernels, WantsGaussNewtonOfAllTransforms) {
  ModelConfig model;
  EXPECT_TRUE(IsFittedByKernels(model));
  model.mutable_local()->mutable_affine();
  EXPECT_FALSE(IsFittedByKernels(model));
  model.mutable_local()->mutable_cpab()->set_solver(CpabConfig::ADAM);
  EXPECT_FALSE(IsFittedByKernels(model));
  model.mutable_local()->mutable_cpab()->set_solver(CpabConfig::GAUSS_NEWTON);
  EXPECT_TRUE(IsFittedByKernels(model));
  model.mutable_global()->mutable_thin_plate();
  EXPECT_FALSE(IsFittedByKernels(model));
  model.set_global_transform(false);
  EXPECT_TRUE(IsFittedByKernels(model));
}

TEST(ParseMotion, ReadsOptions) {
  const auto motion = ParseMotion("cpab { cells_x: 6 prior_length: 0.3 }");
  ASSERT_THAT(motion, IsOk());
  EXPECT_EQ(motion->cpab().cells_x(), 6);
  EXPECT_EQ(motion->cpab().prior_length(), 0.3);
  EXPECT_EQ(motion->cpab().cells_y(), 4);
}

TEST(ParseMotion, NamesWhatIsWrong) {
  const auto expect = [](const char* text, const char* message) {
    EXPECT_THAT(ParseMotion(text),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(message)))
        << text;
  };
  for (const char* text : {"", "tps", "cpab thin_plate", "{}", "CPAB"}) {
    expect(text, "is no motion model; use cpab, thin_plate, affine");
  }
  expect("cpab { cell_x: 6 }", "cells_x");
  expect("cpab { cells_x: 99 }", "cells_x is 99");
  expect("cpab { cells_x: 6", "motion:1");
  expect("cpab {} affine {}", "motion:1");
  expect("cpab { gradient: IMPLICIT }", "cpab.gradient has no effect");
}

TEST(SetMotion, SetsBothPlaces) {
  ModelConfig model;
  model.set_gradient(ModelConfig::IMPLICIT);
  SetMotion(*ParseMotion("bspline { cells_x: 5 }"), &model);
  EXPECT_EQ(model.local().bspline().cells_x(), 5);
  EXPECT_EQ(model.global().bspline().cells_x(), 5);
  EXPECT_EQ(model.gradient(), ModelConfig::DETACHED);
  SetMotion(*ParseMotion("cpab { cells_x: 5 }"), &model);
  EXPECT_EQ(model.global().cpab().cells_x(), 5);
}

TEST(SetMotion, LeavesEachPlaceOfPlainCpabItsOwnDefaults) {
  ModelConfig model;
  SetMotion(*ParseMotion("affine"), &model);
  SetMotion(*ParseMotion("cpab"), &model);
  EXPECT_EQ(model.local().cpab().cells_x(), 4);
  EXPECT_EQ(model.global().cpab().cells_x(), 6);
}

}  // namespace
}  // namespace pipelines
