#include "networks/weights/not_weights.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace networks::weights {
namespace {

using ::testing::HasSubstr;

TEST(WhatInsteadOfWeights, RecognisesPagesAndLinks) {
  for (const char* page :
       {"<!DOCTYPE html><html>", "<html>Please log in</html>",
        "\n  <HTML lang=\"en\">", "\xEF\xBB\xBF<!doctype html>",
        "<?xml version=\"1.0\"?><Error>AccessDenied</Error>"}) {
    EXPECT_THAT(WhatInsteadOfWeights(page), HasSubstr("web page")) << page;
  }
  EXPECT_THAT(WhatInsteadOfWeights(
                  "version https://git-lfs.github.com/spec/v1\noid sha256:52"),
              HasSubstr("Git LFS"));
}

TEST(WhatInsteadOfWeights, SaysNothingOfOtherBytes) {
  for (const char* other : {"", "PK\x03\x04", "\x80\x02\x8a", "weights", "<"}) {
    EXPECT_EQ(WhatInsteadOfWeights(other), "") << other;
  }
}

}  // namespace
}  // namespace networks::weights
