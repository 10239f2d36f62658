#include "pipelines/app/command_line.h"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

ABSL_FLAG(int, test_count, 3, "How many.");
ABSL_FLAG(bool, test_fast, true, "Whether to hurry.");
ABSL_FLAG(std::string, set, "", "Of the config.");
ABSL_FLAG(std::string, test_long, "",
          "One two three four five six seven eight nine ten eleven twelve a, b "
          "thirteen "
          "a_word_that_is_longer_than_any_line_of_help_may_be_and_that_cannot_"
          "be_broken fourteen.");

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<CommandLine> Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "program");
  return ParseCommandLine(static_cast<int>(words.size()), words.data());
}

TEST(CommandLine, SetsFlagsAndKeepsArguments) {
  const auto line =
      Parse({"--test_count", "5", "a.png", "--notest_fast", "--", "--b"});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(absl::GetFlag(FLAGS_test_count), 5);
  EXPECT_FALSE(absl::GetFlag(FLAGS_test_fast));
  EXPECT_THAT(line->arguments, ElementsAre("a.png", "--b"));
}

TEST(CommandLine, CollectsEveryOverride) {
  const auto line = Parse({"--set", "a.b=1", "--set=c=x=y"});
  ASSERT_THAT(line, IsOk());
  EXPECT_THAT(line->overrides, ElementsAre("a.b=1", "c=x=y"));
}

TEST(CommandLine, NamesMistakes) {
  EXPECT_THAT(Parse({"--test_cuont=1"}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("Did you mean --test_count?")));
  // Spelt like this one; others begin longer like it.
  EXPECT_THAT(Parse({"--test_cout_of_all"}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("Did you mean --test_count?")));
  // Not the opposite.
  for (const char* off : {"--no-test_fast", "--notest_fas"}) {
    EXPECT_THAT(Parse({off}),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("Did you mean --notest_fast?")));
  }
  EXPECT_THAT(
      Parse({"--notest_fast=1"}),
      StatusIs(StatusCode::kInvalidArgument, "--notest_fast takes no value"));
  EXPECT_THAT(Parse({"--test_count"}), StatusIs(StatusCode::kInvalidArgument,
                                                HasSubstr("needs a value")));
  EXPECT_THAT(Parse({"--set"}), StatusIs(StatusCode::kInvalidArgument,
                                         HasSubstr("needs a value")));
}

TEST(CommandLine, SaysWhatIsAValueOfAFlag) {
  EXPECT_THAT(Parse({"--test_count=32x32"}),
              StatusIs(StatusCode::kInvalidArgument,
                       "--test_count is '32x32'; use a whole number up to "
                       "2147483647"));
  EXPECT_THAT(Parse({"--test_fast=maybe"}),
              StatusIs(StatusCode::kInvalidArgument,
                       "--test_fast is 'maybe'; use yes or no"));
}

TEST(CommandLine, TakesNoFlagForAValue) {
  for (const char* next :
       {"--test_count", "--test_count=3", "--notest_fast", "--help"}) {
    EXPECT_THAT(Parse({"--test_long", next}),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("--test_long needs a value before --")));
    EXPECT_THAT(Parse({"--set", next}),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("--set needs a value before --")));
  }
  EXPECT_THAT(Parse({"--test_long", "--of none"}), IsOk());
  EXPECT_THAT(Parse({"--test_long=--test_count"}), IsOk());
}

TEST(CommandLine, NamesSetForFieldsOfTheConfig) {
  EXPECT_THAT(Parse({"--data.folder", "clips"}),
              StatusIs(StatusCode::kInvalidArgument,
                       "there is no flag --data.folder. Did you mean --set "
                       "data.folder=VALUE? See --help."));
  EXPECT_THAT(Parse({"--qqqq", "2"}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("is set by --set path.to.field=value.")));
  const auto apart = Parse({"--set", "a.b", "2"});
  ASSERT_THAT(apart, IsOk());
  EXPECT_THAT(RefuseArguments(*apart),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("with '=': --set a.b=2")));
}

TEST(CommandLine, RefusesArgumentsWhereThereAreNone) {
  CommandLine line;
  EXPECT_THAT(RefuseArguments(line), IsOk());
  line.arguments = {"stray", "more"};
  EXPECT_THAT(RefuseArguments(line),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("unexpected argument 'stray'")));
}

TEST(CommandLine, KeepsTheCommasOfNames) {
  const auto is_there = [](const std::string& name) {
    return name == "Smith, J" || name == "a" || name == "a,b";
  };
  const auto names = [&](const std::vector<std::string>& words) {
    return NamesWithCommas(words, is_there);
  };
  EXPECT_THAT(names({}), IsEmpty());
  EXPECT_THAT(names({"Smith", " J"}), ElementsAre("Smith, J"));
  EXPECT_THAT(names({"a", "Smith", " J", "gone"}),
              ElementsAre("a", "Smith, J", "gone"));
  EXPECT_THAT(names({"a", "b", "a"}), ElementsAre("a,b", "a"));
}

TEST(CommandLine, FindsTheNamesOfLongLists) {
  int64_t asked = 0;
  const std::vector<std::string> words(5000, "video_of_a_person");
  EXPECT_EQ(NamesWithCommas(words,
                            [&](const std::string&) {
                              ++asked;
                              return false;
                            })
                .size(),
            words.size());
  // For each of them, names of up to 4096 bytes.
  EXPECT_LE(asked, 5000 * 4096 / 18);
}

TEST(CommandLine, CanBeRepeated) {
  const auto line = Parse({"--test_count=5", "it's here", "--set", "a=[1, 2]"});
  ASSERT_THAT(line, IsOk());
  {
    const ScopedEnvironment none("CPAB_USER_DIRECTORY", std::nullopt);
    const ScopedEnvironment no_bazel("BUILD_WORKING_DIRECTORY", std::nullopt);
    EXPECT_EQ(RepeatedCommand("//pipelines:train", *line),
              "program --test_count=5 'it'\\''s here' --set 'a=[1, 2]'");
  }
  const ScopedEnvironment folder("CPAB_USER_DIRECTORY", "/home/me");
  EXPECT_EQ(RepeatedCommand("//pipelines:train", *Parse({"x.png"})),
            "tools/bazelw run //pipelines:train -- x.png");
}

TEST(CommandLine, HelpListsTheProgramsOwnFlags) {
  EXPECT_TRUE(Parse({"--help", "--no_such"})->help);
  const std::string help = HelpText("Does things.", "command_line_test.cc");
  EXPECT_THAT(
      help, HasSubstr("Does things.\n\nFlags:\n  --set\n      Of the config.\n"
                      "  --test_count\n"));
  EXPECT_THAT(help, HasSubstr("How many. Default: 3."));
  EXPECT_THAT(help, HasSubstr("Default: true; --notest_fast turns it off.\n"));
  EXPECT_THAT(help, Not(HasSubstr("--gtest")));
}

TEST(CommandLine, HelpHasGroupsOfFlags) {
  EXPECT_THAT(
      HelpText("Does things.", "command_line_test.cc",
               {{"Sizes", {"test_long", "test_count"}}}),
      testing::ContainsRegex("things.\n\nSizes:\n  --test_long\n(.|\n)*"
                             "  --test_count\n      How many. Default: 3.\n"));
  const std::string help = HelpText("Does things.", "command_line_test.cc",
                                    {{"Sizes", {"test_count"}}});
  EXPECT_THAT(help, testing::ContainsRegex("Default: 3.\n\nOther flags:\n"));
  EXPECT_EQ(help.find("--test_count"), help.rfind("--test_count"));
}

TEST(CommandLine, HelpHasLinesOfEightyColumns) {
  EXPECT_THAT(
      HelpText("", "command_line_test.cc"),
      HasSubstr("  --test_long\n"
                "      One two three four five six seven eight nine ten eleven "
                "twelve a, b\n"
                "      thirteen\n"
                "      a_word_that_is_longer_than_any_line_of_help_may_be_and_"
                "that_cannot_be_broken\n"
                "      fourteen.\n"));
}

TEST(InstalledCommands, StandForThoseOfBazel) {
  EXPECT_EQ(WithInstalledCommands(
                "see tools/bazelw run //tools:fetch_weights -- --list.\n"
                "  tools/bazelw run //tools/cut_clips -- \\\n"
                "  tools/bazelw run //pipelines:train\n"
                "train one by tools/bazelw run //pipelines:train."),
            "see cpab-fetch-weights --list.\n  cpab-cut-clips \\\n"
            "  cpab-train\ntrain one by cpab-train.");
  char* const name = std::exchange(program_invocation_name,
                                   const_cast<char*>("/opt/bin/cpab-train"));
  EXPECT_EQ(CommandsForUser("by tools/bazelw run //pipelines:train"),
            "by cpab-train");
  program_invocation_name = name;
  EXPECT_EQ(CommandsForUser("by tools/bazelw run //pipelines:train"),
            "by tools/bazelw run //pipelines:train");
  EXPECT_TRUE(IsInstalled("cpab-train"));
  EXPECT_TRUE(IsInstalled("/opt/cpab/bin/cpab-train"));
  EXPECT_FALSE(IsInstalled("bazel-bin/pipelines/train"));
  EXPECT_FALSE(IsInstalled("/opt/cpab-2/train"));
}

}  // namespace
}  // namespace pipelines
