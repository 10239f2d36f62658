#include "pipelines/app/program_hooks.h"

#include <cerrno>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/base/work_hooks.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ProgramHooks, DrawABarForEachStage) {
  testing::internal::CaptureStderr();
  {
    ProgramHooks program("tested");
    const WorkHooks hooks = program.hooks();
    hooks.Report({"first", "clips", 0, 2, ""});
    hooks.Report({"first", "clips", 2, 2, ""});
    hooks.Report({"second", "steps", 1, 3, "loss 0.5"});
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("first"), HasSubstr("2/2"), HasSubstr("second"),
                    HasSubstr("1/3")));
}

TEST(ProgramHooks, WarnInTheProgramsName) {
  testing::internal::CaptureStderr();
  ProgramHooks program("tested", /*shows_progress=*/false);
  const WorkHooks hooks = program.hooks();
  hooks.Report({"first", "clips", 1, 2, ""});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
  testing::internal::CaptureStderr();
  hooks.Warn("a clip is damaged");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "tested: warning: a clip is damaged\n");
  testing::internal::CaptureStderr();
  hooks.Warn("left out a\x1b[2Jb.mp4");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "tested: warning: left out a [2Jb.mp4\n");
}

TEST(ProgramHooks, PrintNotesOnStandardOutput) {
  testing::internal::CaptureStdout();
  ProgramHooks program("tested");
  program.hooks().Note("going on");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "tested: going on\n");
  testing::internal::CaptureStdout();
  program.hooks().Note("skipped a\x1b[2Jb.txt");
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "tested: skipped a [2Jb.txt\n");
}

TEST(ProgramHooks, NameInstalledCommands) {
  char* const name =
      std::exchange(program_invocation_name, const_cast<char*>("cpab-tested"));
  ProgramHooks program("tested");
  const std::string sentence =
      "use tools/bazelw run //pipelines:train -- --avd";
  testing::internal::CaptureStdout();
  program.hooks().Note(sentence);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "tested: use cpab-train --avd\n");
  testing::internal::CaptureStderr();
  program.hooks().Warn(sentence);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "tested: warning: use cpab-train --avd\n");
  program_invocation_name = name;
}

TEST(WorkHooks, MayBeEmpty) {
  const WorkHooks hooks;
  hooks.Note("nobody listens");
  hooks.Report({"stage", "clips", 1, 2, ""});
  hooks.Warn("nobody listens");
  EXPECT_THAT(CheckNotStopped(hooks), IsOk());
}

TEST(WorkHooks, EndTheWork) {
  WorkHooks hooks;
  bool stop = false;
  hooks.stop = [&stop] { return stop; };
  EXPECT_THAT(CheckNotStopped(hooks), IsOk());
  stop = true;
  EXPECT_THAT(CheckNotStopped(hooks),
              StatusIs(absl::StatusCode::kCancelled, "stopped"));
}

}  // namespace
}  // namespace pipelines
