#include "networks/files/plain_text.h"

#include "gtest/gtest.h"

namespace networks::files {
namespace {

TEST(PlainText, HasNeitherMarkNorCarriageReturns) {
  EXPECT_EQ(PlainText("\xEF\xBB\xBF"
                      "a,b\r\n\r\n1,2\r\n"),
            "a,b\n\n1,2\n");
  EXPECT_EQ(PlainText("\xEF\xBB\xBF"), "");
}

TEST(PlainText, KeepsTheRest) {
  for (const char* text : {"", "a,b\n1,2\n", "a\rb\r", "a\xEF\xBB\xBF"}) {
    EXPECT_EQ(PlainText(text), text);
  }
}

}  // namespace
}  // namespace networks::files
