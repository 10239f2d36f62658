#include "tools/lint/header_names.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;

TEST(HeaderNames, AreOfOneFolder) {
  EXPECT_THAT(Texts(CheckHeaderNames(SourceTree({{"a/convert.h", ""},
                                                 {"a/convert.cc", ""},
                                                 {"a/re_convert.h", ""},
                                                 {"b/c/convert.h", ""},
                                                 {"b/convert.cc", ""},
                                                 {"convert.h", ""}}))),
              ElementsAre("b/c/convert.h:1: has the name of a/convert.h",
                          "convert.h:1: has the name of a/convert.h"));
}

}  // namespace
}  // namespace tools::lint
