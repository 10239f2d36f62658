#include "pipelines/base/nearest_word.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

const std::vector<std::string> kWords = {"drivings", "driving", "driving_crop",
                                         "source", "sources"};

TEST(NearestWord, IsTheOneWithTheFewestWrongLetters) {
  EXPECT_EQ(NearestWord("drivng", kWords), "driving");
  EXPECT_EQ(NearestWord("drivngs", kWords), "drivings");
  EXPECT_EQ(NearestWord("soruce", kWords), "source");
  EXPECT_EQ(NearestWord("xsources", kWords), "sources");
  EXPECT_EQ(NearestWord("source", kWords), "source");
}

TEST(NearestWord, IsNoneWhereTooMuchIsWrong) {
  EXPECT_EQ(NearestWord("sxxxce", kWords), "source");  // three of six
  EXPECT_EQ(NearestWord("sxxxxe", kWords), std::nullopt);
  EXPECT_EQ(NearestWord("bad", {"avd"}), std::nullopt);
  EXPECT_EQ(NearestWord("avx", {"avd"}), "avd");
  EXPECT_EQ(NearestWord("source", {}), std::nullopt);
}

}  // namespace
}  // namespace pipelines
