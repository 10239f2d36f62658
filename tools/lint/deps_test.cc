#include "tools/lint/deps.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> DepsFindings(const std::string& deps,
                                      const std::string& includes) {
  return FindingsOf(
      &CheckDeps,
      {{"cpab/BUILD",
        "cc_library(name = \"a\", hdrs = [\"a.h\"])\n"
        "cc_library(name = \"b\", hdrs = [\"b.h\"])\n"
        "alias(name = \"other_b\", actual = \":b\")\n"
        "cc_library(name = \"main\", srcs = [\"main.cc\"])\n"
        "proto_library(name = \"p_proto\", srcs = [\"p.proto\"])\n"
        "cc_proto_library(name = \"p_cc_proto\", deps = [\":p_proto\"])\n"},
       {"cpab/a.h", "#include \"gone.h\"\n"},
       {"x/BUILD",
        "torch_library(name = \"x\", srcs = [\"x.cc\"], hdrs = [\"x.h\"], "
        "deps = [" +
            deps + "])"},
       {"x/x.cc", "#include \"x/x.h\"\n" + includes}});
}

TEST(Deps, AreWhatIsIncluded) {
  EXPECT_THAT(DepsFindings("\"//cpab:a\", \"//cpab:main\", \"//cpab:other_b\", "
                           "\"//cpab:p_cc_proto\", \"//third_party/z\"",
                           "#include <vector>\n#include \"absl/z.h\"\n"
                           "#include \"cpab/a.h\"\n#include \"cpab/b.h\"\n"
                           "#include \"cpab/p.pb.h\"\n"),
              IsEmpty());
  EXPECT_THAT(DepsFindings("\"//cpab:a\"",
                           "#include \"cpab/a.h\"\n#include \"cpab/b.h\"\n"),
              ElementsAre("x/BUILD:1: x lacks the library of cpab/b.h, which "
                          "x/x.cc:3 includes"));
  EXPECT_THAT(DepsFindings("", "#include \"cpab/p.pb.h\"\n"),
              ElementsAre("x/BUILD:1: x lacks the library of cpab/p.pb.h, "
                          "which x/x.cc:2 includes"));
  EXPECT_THAT(
      DepsFindings("\"//cpab:a\", \"//cpab:b\"", "#include \"cpab/a.h\"\n"),
      ElementsAre("x/BUILD:1: x depends on //cpab:b and includes none of it"));
}

}  // namespace
}  // namespace tools::lint
