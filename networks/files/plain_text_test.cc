#include "networks/files/plain_text.h"

#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

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

TEST(CheckIsNotUtf16, NamesWhatIsInUtf16) {
  for (const char* text : {"\xFF\xFE,", "\xFE\xFF"}) {
    EXPECT_THAT(CheckIsNotUtf16("a.csv", text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         "a.csv: is text in UTF-16; save it as UTF-8"));
  }
  EXPECT_THAT(CheckIsNotUtf16("a.csv", ""), IsOk());
  EXPECT_THAT(CheckIsNotUtf16("a.csv", "\xEF\xBB\xBF\xFF\xFE"), IsOk());
}

}  // namespace
}  // namespace networks::files
