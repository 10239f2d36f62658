#include "pipelines/config/ranges.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/config/config.pb.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CheckRanges, LooksOnlyAtWhatIsSet) {
  EXPECT_THAT(CheckRanges(Config()), IsOk());
  Config config;
  config.mutable_model()->mutable_local()->mutable_cpab();
  EXPECT_THAT(CheckRanges(config), IsOk());
}

// (range) = "[1, 32]" of cells: both ends are in it.
TEST(CheckRanges, TakesTheEndsOfAClosedRange) {
  for (const int cells : {1, 32}) {
    CpabConfig config;
    config.set_cells_x(cells);
    EXPECT_THAT(CheckRanges(config), IsOk()) << cells;
  }
  for (const int cells : {-1, 0, 33}) {
    CpabConfig config;
    config.set_cells_x(cells);
    EXPECT_THAT(
        CheckRanges(config),
        StatusIs(StatusCode::kInvalidArgument,
                 AllOf(HasSubstr("cells_x is"), HasSubstr("use a value in ["))))
        << cells;
  }
}

// Six digits would show a value that is in the range.
TEST(CheckRanges, NamesTheWholeValue) {
  Config config;
  config.mutable_training()->set_num_epochs(1000001);
  EXPECT_THAT(CheckRanges(config),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("is 1000001; use a value in [1, 1000000]")));
}

TEST(CheckRanges, NamesThePathOfTheFirstThatIsOutside) {
  Config config;
  config.mutable_model()->mutable_global()->mutable_cpab()->set_cells_y(99);
  EXPECT_THAT(CheckRanges(config),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("model.global.cpab.cells_y is 99")));
}

TEST(CheckRanges, RefusesTheEnumValueOfWhatIsNotSet) {
  Config config;
  config.mutable_training()->set_precision(
      TrainingConfig::PRECISION_UNSPECIFIED);
  EXPECT_THAT(
      CheckRanges(config),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("training.precision is PRECISION_UNSPEC"),
                     HasSubstr("use FLOAT32, "))));
  Config old;
  old.mutable_model()->set_motion(ModelConfig::MOTION_UNSPECIFIED);
  EXPECT_THAT(CheckRanges(old), IsOk());
}

TEST(CheckRanges, NumbersTheElementsOfAListFromZero) {
  Config config;
  PerceptualConfig* const loss = config.mutable_losses()->mutable_perceptual();
  loss->add_layer_weights(1);
  loss->add_layer_weights(-1);
  EXPECT_THAT(CheckRanges(config),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("losses.perceptual.layer_weights[1] is -1")));
}

TEST(CheckRanges, TakesNoNumberThatIsNotFinite) {
  for (const double value :
       {std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity(), std::nan("")}) {
    Config config;
    config.mutable_losses()->set_warp(value);
    EXPECT_THAT(CheckRanges(config),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("losses.warp is"),
                               HasSubstr("use a finite number"))));
  }
}

}  // namespace
}  // namespace pipelines
