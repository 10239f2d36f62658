#include "pipelines/config/frame_size.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

TEST(ParseFrameSize, ReadsSquaresAndWidthBeforeHeight) {
  const auto square = ParseFrameSize("384");
  ASSERT_THAT(square, IsOk());
  EXPECT_EQ(square->width, 384);
  EXPECT_EQ(square->height, 384);
  const auto wide = ParseFrameSize("512x384");
  ASSERT_THAT(wide, IsOk());
  EXPECT_EQ(wide->width, 512);
  EXPECT_EQ(wide->height, 384);
}

TEST(ParseFrameSize, NamesWhatIsNoSize) {
  for (const char* text : {"", "x", "384x", "x384", "1x2x3", "big", "3.5"}) {
    EXPECT_THAT(ParseFrameSize(text),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(text)))
        << text;
  }
}

TEST(SetFrameSize, SetsBothSides) {
  Config config;
  ASSERT_THAT(SetFrameSize({512, 384}, &config), IsOk());
  EXPECT_EQ(config.data().width(), 512);
  EXPECT_EQ(config.data().height(), 384);
}

TEST(SetFrameSize, NamesWhatTheModelCannotHalve) {
  const auto error = [](FrameSize size) {
    Config config;
    return SetFrameSize(size, &config);
  };
  EXPECT_THAT(error({100, 384}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("data.width is 100; use a multiple of 32")));
  EXPECT_THAT(error({384, 4096}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("data.height is 4096; use a value in")));
  // A motion field of 72 pixels, to be halved five times.
  EXPECT_THAT(error({288, 288}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a motion field of 72 pixels")));
}

}  // namespace
}  // namespace pipelines
