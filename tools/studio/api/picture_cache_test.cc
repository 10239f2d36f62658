#include "tools/studio/api/picture_cache.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/base/rgba_image.h"

namespace studio {
namespace {

using ::testing::_;

TEST(PictureCacheTest, DecodesAPictureOnceWhileItIsKept) {
  int decoded = 0;
  PictureCache cache(2, [&](const std::string&) -> absl::StatusOr<RgbaImage> {
    ++decoded;
    return RgbaImage{1, 1, {0, 0, 0, 255}};
  });
  const auto first = cache.Get("a");
  EXPECT_EQ(*first, *cache.Get("a"));
  EXPECT_EQ(decoded, 1);
  EXPECT_THAT(cache.Get("b"), IsOk());
  EXPECT_THAT(cache.Get("a"), IsOk());  // b is now the one used longest ago
  EXPECT_THAT(cache.Get("c"), IsOk());
  EXPECT_EQ(decoded, 3);
  EXPECT_EQ(*first, *cache.Get("a"));
  EXPECT_THAT(cache.Get("b"), IsOk());
  EXPECT_EQ(decoded, 4);
}

TEST(PictureCacheTest, DoesNotKeepAnError) {
  bool fails = true;
  PictureCache cache(2, [&](const std::string&) -> absl::StatusOr<RgbaImage> {
    if (fails) return absl::UnavailableError("no decoder is free");
    return RgbaImage{1, 1, {0, 0, 0, 255}};
  });
  EXPECT_THAT(cache.Get("a"), StatusIs(absl::StatusCode::kUnavailable, _));
  fails = false;
  EXPECT_THAT(cache.Get("a"), IsOk());
}

}  // namespace
}  // namespace studio
