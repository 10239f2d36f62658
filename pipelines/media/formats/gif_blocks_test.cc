#include "pipelines/media/formats/gif_blocks.h"

#include <string>

#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

const std::string kControl("\x21\xf9\x04\0\x0a\0\0\0", 8);
const std::string kComment(
    "\x21\xfe\x03"
    "abc\x01!\0",
    9);
const std::string kPicture = "\x2c and what follows";

TEST(HoldsGifPicture, FindsItBehindExtensions) {
  EXPECT_TRUE(HoldsGifPicture(kPicture));
  EXPECT_TRUE(HoldsGifPicture(kControl + kPicture));
  EXPECT_TRUE(HoldsGifPicture(kComment + kControl + kPicture));
}

TEST(HoldsGifPicture, FindsNoneInACommentAtTheEnd) {
  EXPECT_FALSE(HoldsGifPicture(kComment));
  EXPECT_FALSE(HoldsGifPicture(kComment + ";"));
  EXPECT_FALSE(HoldsGifPicture(";"));
  EXPECT_FALSE(HoldsGifPicture(kControl + kComment));
}

TEST(HoldsGifPicture, TakesWhatIsNoBlockForOne) {
  EXPECT_TRUE(HoldsGifPicture("GIF89a"));
  EXPECT_TRUE(HoldsGifPicture("abc"));
}

TEST(HoldsGifPicture, EndsWhereTheBytesEnd) {
  EXPECT_FALSE(HoldsGifPicture(""));
  for (size_t size = 1; size < kComment.size(); ++size) {
    EXPECT_FALSE(HoldsGifPicture(kComment.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace pipelines::media
