#include "tools/studio/api/picture_cache.h"

#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/base/rgba_image.h"

namespace studio {
namespace {

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

TEST(PictureCacheTest, DecodesOneAtATimeWhileThoseThatAreKeptDoNotWait) {
  absl::Notification begun, go_on;
  int decoded = 0;
  PictureCache cache(2, [&](const std::string& id) {
    ++decoded;
    if (id == "large") {
      begun.Notify();
      go_on.WaitForNotification();
    }
    return RgbaImage{1, 1, {0, 0, 0, 255}};
  });
  const auto kept = cache.Get("kept");
  const auto get_large = [&] { EXPECT_THAT(cache.Get("large"), IsOk()); };
  std::thread first(get_large);
  begun.WaitForNotification();
  std::thread second(get_large);
  EXPECT_EQ(*kept, *cache.Get("kept"));
  go_on.Notify();
  first.join();
  second.join();
  EXPECT_EQ(decoded, 2);
}

}  // namespace
}  // namespace studio
