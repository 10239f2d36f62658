#include "tools/lint/includes.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Check(const Files& files) {
  return Texts(CheckIncludes(SourceTree(files)));
}

TEST(Includes, AreWantedOfWhatIsUsed) {
  EXPECT_THAT(
      Check({{"a.cc", "\nint a = std::max(1, 2);\ncv::Mat b;\n"}}),
      ElementsAre("a.cc:2: uses std::max and does not include algorithm",
                  "a.cc:3: uses cv:: and does not include a header "
                  "of opencv2/"));
  EXPECT_THAT(Check({{"a.cc",
                      "#include <algorithm>\n#include \"opencv2/core.hpp\"\n"
                      "int a = std::max(1, 2);\ncv::Mat b;\n"}}),
              IsEmpty());
}

TEST(Includes, MayBeThoseOfHeadersOfTheTree) {
  const std::string use = "#include \"x/b.h\"\nabsl::Status a;\n";
  const std::string header = "#include \"absl/status/status.h\"\n";
  EXPECT_THAT(Check({{"a.cc", use},
                     {"x/b.h", "#include \"x/c.h\"\n"},
                     {"x/c.h", header}}),
              IsEmpty());
  EXPECT_EQ(Check({{"a.cc", use}, {"x/c.h", header}}).size(), 1u);
}

TEST(Includes, MayBeOfAllOfLibTorch) {
  const std::string use = "torch::nn::Linear a;\n";
  EXPECT_THAT(Check({{"a.cc", use}}),
              ElementsAre("a.cc:1: uses torch::nn and does not include a "
                          "header of torch/nn/"));
  for (const char* const header :
       {"torch/nn/modules/linear.h", "torch/nn.h", "torch/torch.h"}) {
    EXPECT_THAT(
        Check({{"a.cc", absl::StrCat("#include <", header, ">\n", use)}}),
        IsEmpty());
  }
}

TEST(Includes, AreOfWholeNames) {
  EXPECT_THAT(
      Check({{"a.cc", "mine::std::max a; std::maximum b; my_int64_t c;"}}),
      IsEmpty());
}

TEST(Includes, AreNotWantedOfCommentsTextsAndPartsOfFiles) {
  EXPECT_THAT(
      Check({{"a.cc",
              "// std::max\n/* std::max\n*/ const char* a = \"std::max\";"
              "\nconst char* b = R\"x(std::max\")x\";\nint c = 1'000;"},
             {"page.md", "std::max"}}),
      IsEmpty());
}

TEST(Includes, AreSearchedInCodeOfWhichLinesStay) {
  EXPECT_EQ(CodeOf("a \"b\\\"c\" d // e\nf 1'0 '\"' g"),
            "a        d     \nf 1'0     g");
}

}  // namespace
}  // namespace tools::lint
