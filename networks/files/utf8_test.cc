#include "networks/files/utf8.h"

#include "gtest/gtest.h"

namespace networks::files {
namespace {

TEST(IsUtf8, TellsTextFromOtherBytes) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("caf\u00e9 \U0001F4F7"));
  EXPECT_FALSE(IsUtf8("caf\xe9"));
  EXPECT_FALSE(IsUtf8("caf\xc3"));
}

TEST(NumCharacters, CountsNoBytesThatContinueOne) {
  EXPECT_EQ(NumCharacters(""), 0u);
  EXPECT_EQ(NumCharacters("cafe"), 4u);
  EXPECT_EQ(NumCharacters("caf\u00e9 \U0001F4F7"), 6u);
}

}  // namespace
}  // namespace networks::files
