#include "tools/studio/store/random_id.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace studio {
namespace {

TEST(RandomIdTest, NewIdsAreIdsAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = NewId();
    EXPECT_TRUE(IsId(id)) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(RandomIdTest, TokensHave43CharactersAndDiffer) {
  const std::string token = NewToken();
  EXPECT_EQ(token.size(), 43u);
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                    "qrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_NE(token, NewToken());
}

TEST(RandomIdTest, WhatCouldLeaveAFolderIsNoId) {
  EXPECT_TRUE(IsId("abcdefghijklmnopqrst-_"));
  for (const std::string& text :
       {std::string(), std::string("abcdefghijklmnopqrstu"),
        std::string("abcdefghijklmnopqrstuvw"),
        std::string("../defghijklmnopqrstuv"),
        std::string("abcdefghij/lmnopqrstuv"),
        std::string("abcdefghij.lmnopqrstuv"),
        std::string("abcdefghij\0lmnopqrstuv", 22),
        std::string("-bcdefghijklmnopqrstuv"),
        std::string("\xc0\xae"
                    "cdefghijklmnopqrstuv")}) {
    EXPECT_FALSE(IsId(text)) << text;
  }
}

}  // namespace
}  // namespace studio
