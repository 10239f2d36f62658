#include "tools/lint/citations.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Check(std::map<std::string, std::string> files) {
  std::vector<std::string> texts;
  for (const Finding& finding : CheckCitations(SourceTree(std::move(files)))) {
    texts.push_back(FindingText(finding));
  }
  return texts;
}

constexpr char kList[] =
    "# A\n\n# References\n\n- [AB12] Somebody.\n- [1Euro] Others.\n";

TEST(Citations, OfTheListAreFine) {
  EXPECT_THAT(Check({{"REFERENCES.md", kList},
                     {"a.h", "// Source: [AB12] Eq. (1).\n"},
                     {"b.proto", "// [1Euro] Sec. 2\n"}}),
              IsEmpty());
}

TEST(Citations, OfNothingListedAreFound) {
  EXPECT_THAT(
      Check({{"REFERENCES.md", kList},
             {"a.cc", "int a[AB];\n// [AB12], [1Euro]\n// As in [Xyz].\n"}}),
      ElementsAre("a.cc:3: [Xyz] is not in the list of REFERENCES.md"));
}

TEST(Citations, AreWantedWhereASourceIsNamed) {
  EXPECT_THAT(
      Check({{"REFERENCES.md", kList},
             {"a.h",
              "// A.\n//\n// Source: as of b.h.\n//\n// By [AB12].\n"
              "// Source: the idea of\n// its authors, [1Euro].\n"
              "// Source::Next; Sources: many.\n"},
             {"b.proto", "// Source: b.\n\nmessage B {}  // [AB12]\n"},
             {"c.md", "Source: a page.\n"}}),
      ElementsAre("a.h:3: \"Source:\" names no key of REFERENCES.md",
                  "b.proto:1: \"Source:\" names no key of REFERENCES.md"));
}

TEST(Citations, AreWantedForEachEntryOfTheList) {
  EXPECT_THAT(Check({{"REFERENCES.md", kList}, {"a.h", "// [AB12]\n"}}),
              ElementsAre("REFERENCES.md:6: [1Euro] is cited nowhere"));
  // A page may cite, too.
  EXPECT_THAT(Check({{"REFERENCES.md", kList},
                     {"a.h", "// [AB12]\n"},
                     {"a/README.md", "By [1Euro].\n"}}),
              IsEmpty());
}

TEST(Citations, AreNoShapesNumbersNamesOrStandards) {
  EXPECT_THAT(
      Check({{"REFERENCES.md", "# References\n"},
             {"a.h", "// [B, N], [K], [0], [16], [h, w], [name], [RFC 4180]\n"},
             {"README2.md", "[Page](a.md)\n"}}),
      IsEmpty());
}

}  // namespace
}  // namespace tools::lint
