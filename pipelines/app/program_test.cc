#include "pipelines/app/program.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/published/weight_files.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/base/exception_status.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"

ABSL_FLAG(std::string, model_size, "", "As of a program.");
ABSL_FLAG(std::string, precision, "auto", "As of a program.");
ABSL_FLAG(int, batch_size, 0, "As of a program.");
ABSL_FLAG(std::string, device, "auto", "As of a program.");
ABSL_FLAG(std::string, weights, "", "As of a program.");

namespace pipelines {
namespace {

using ::testing::HasSubstr;

int RunWith(std::vector<const char*> words,
            const std::function<absl::Status(const CommandLine&)>& body) {
  words.insert(words.begin(), "program");
  return RunProgram({"tested", "Does things.", __FILE__},
                    static_cast<int>(words.size()),
                    const_cast<char**>(words.data()), body);
}

TEST(RunProgram, DoesItsBodyOnlyOnAGoodCommandLine) {
  bool ran = false;
  const auto body = [&](const CommandLine& line) {
    ran = true;
    return RefuseArguments(line);
  };
  testing::internal::CaptureStdout();
  EXPECT_EQ(RunWith({"--help"}, body), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              HasSubstr("Does things."));
  EXPECT_EQ(RunWith({"--no_such"}, body), kExitUsage);
  EXPECT_FALSE(ran);
  EXPECT_EQ(RunWith({}, body), 0);
  EXPECT_TRUE(ran);
  EXPECT_EQ(RunWith({"stray"}, body), 1);
}

// As programs without a config.
TEST(RunProgram, RefusesSettingsWhereItHasNoSuchFlag) {
  bool ran = false;
  const auto body = [&](const CommandLine&) {
    ran = true;
    return absl::OkStatus();
  };
  EXPECT_EQ(RunWith({"--set", "a.b=1"}, body), kExitUsage);
  EXPECT_EQ(RunWith({"--set=a.b=1"}, body), kExitUsage);
  EXPECT_FALSE(ran);
}

TEST(RunProgram, ReportsWhatALibraryThrows) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunWith({},
                    [](const CommandLine&) -> absl::Status {
                      throw std::runtime_error("no memory\nat frame 1");
                    }),
            1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "tested: error: no memory\n");
}

// Exit code and standard error of a program whose body does this.
std::pair<int, std::string> RunToItsEnd(
    const std::function<absl::Status()>& body,
    std::vector<const char*> words = {}, const char* advice = nullptr) {
  words.insert(words.begin(), "program");
  testing::internal::CaptureStderr();
  const int code = RunProgram({"tested", "Does things.", __FILE__, {}, advice},
                              static_cast<int>(words.size()),
                              const_cast<char**>(words.data()),
                              [&](const CommandLine&) { return body(); });
  return {code, testing::internal::GetCapturedStderr()};
}

absl::Status Throw(const std::string& words) {
  throw std::runtime_error(words + "\nframe #0");
}

TEST(RunProgram, SaysWhatToDoWithoutMemory) {
  const auto without = [](const char* advice) {
    return RunToItsEnd([]() -> absl::Status { throw std::bad_alloc(); }, {},
                       advice);
  };
  EXPECT_THAT(without("use smaller batches"),
              testing::Pair(129,
                            "tested: error: there is not enough memory: "
                            "std::bad_alloc; use smaller batches\n"));
  EXPECT_THAT(without(nullptr),
              testing::Pair(129,
                            "tested: error: there is not enough memory: "
                            "std::bad_alloc; use a smaller --model_size or "
                            "--weights mobile-sam or --precision bfloat16 or "
                            "--batch_size 1\n"));
  // As LibTorch says it on the CPU and on a GPU, and OpenCV.
  for (const std::string words :
       {"[enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: "
        "can't allocate memory: you tried to allocate 8 bytes.",
        "CUDA out of memory. Tried to allocate 20.00 MiB",
        "OpenCV(4.6.0) error: (-4:Insufficient memory) Failed to allocate"}) {
    const auto [code, message] = RunToItsEnd([&] { return Throw(words); });
    EXPECT_EQ(code, 129);
    EXPECT_THAT(message, HasSubstr("there is not enough memory: " + words +
                                   "; use a smaller --model_size"));
    EXPECT_EQ(message.find("--device") != std::string::npos,
              words.rfind("CUDA", 0) == 0);
  }
}

TEST(RunProgram, AdvisesNothingThatIsDoneAlready) {
  EXPECT_THAT(RunToItsEnd([]() -> absl::Status { throw std::bad_alloc(); },
                          {"--precision=float16", "--batch_size=1",
                           "--weights=mobile-sam"})
                  .second,
              HasSubstr("std::bad_alloc; use a smaller --model_size\n"));
  absl::SetFlag(&FLAGS_precision, "float32");
  absl::SetFlag(&FLAGS_batch_size, 0);
  absl::SetFlag(&FLAGS_weights, "");
}

// Whoever does many things notes what each of them threw, and goes on.
TEST(RunProgram, SaysWhatToDoWhereALibraryCaughtLackOfMemory) {
  const std::string caught(ExceptionStatus(std::bad_alloc()).message());
  EXPECT_THAT(RunToItsEnd([&] {
                return absl::ResourceExhaustedError("2 of 3: " + caught);
              }).second,
              HasSubstr("; use a smaller --model_size"));
  EXPECT_THAT(RunToItsEnd([] {
                return absl::ResourceExhaustedError("o.mp4: disk full");
              }).second,
              testing::EndsWith("disk full\n"));
}

TEST(RunProgram, SaysWhatToDoWithAGpuThatLibTorchHasNoCodeFor) {
  EXPECT_THAT(RunToItsEnd([] {
                return Throw(
                    "CUDA error: no kernel image is available for execution "
                    "on the device");
              }),
              testing::Pair(1, testing::AllOf(HasSubstr("has no code for"),
                                              HasSubstr("LIBTORCH"))));
}

// In a process of its own, whose standard output is lost.
int RunOnAFullDisk(std::vector<const char*> words, const absl::Status& status) {
  if (std::freopen("/dev/full", "w", stdout) == nullptr) return -1;
  return RunWith(std::move(words), [&status](const CommandLine&) {
    std::printf("a report\n");
    return status;
  });
}

TEST(RunProgram, ReportsThatStandardOutputIsLost) {
  EXPECT_EXIT(std::exit(RunOnAFullDisk({}, absl::OkStatus())),
              testing::ExitedWithCode(129),
              "standard output: cannot write all that was to be printed: No "
              "space left on device");
  EXPECT_EXIT(std::exit(RunOnAFullDisk({"--help"}, absl::OkStatus())),
              testing::ExitedWithCode(129), "standard output");
  EXPECT_EXIT(std::exit(RunOnAFullDisk({}, absl::DataLossError("broken"))),
              testing::ExitedWithCode(1), "broken");
}

TEST(RunProgram, NamesTheSignalThatEndedItsBody) {
  const auto cancelled = [](const CommandLine&) {
    return absl::CancelledError("stopped");
  };
  EXPECT_EQ(RunWith({}, cancelled), 1);
  EXPECT_EXIT(
      {
        CatchStopSignals();
        raise(SIGTERM);
        std::exit(RunWith({}, cancelled));
      },
      testing::ExitedWithCode(143), "^tested: stopped by SIGTERM\n$");
}

TEST(RunProgram, KeepsWhatAProgramSaysOfItsStop) {
  EXPECT_EXIT(
      {
        CatchStopSignals();
        raise(SIGINT);
        std::exit(RunWith({}, [](const CommandLine&) {
          return StoppedBySignal(SIGINT, "all is saved. To go on:\n  again");
        }));
      },
      testing::ExitedWithCode(130),
      "^tested: stopped by Ctrl-C; all is saved. To go on:\n  again\n$");
}

// What a program says that misses weights in this folder.
std::string WithoutWeightsIn(const std::string& folder) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunWith({},
                    [&](const CommandLine&) {
                      return UsageError(networks::published::FindWeights(
                                            "vgg19-dcbb9e9d.pth", folder)
                                            .status());
                    }),
            kExitUsage);
  return testing::internal::GetCapturedStderr();
}

TEST(RunProgram, SaysHowToFetchMissingWeights) {
  EXPECT_EQ(WithoutWeightsIn("/no/cache"),
            "tested: error: the weights vgg19-dcbb9e9d.pth are not in "
            "/no/cache; fetch them by: tools/bazelw run //tools:fetch_weights "
            "-- --dir /no/cache vgg19-dcbb9e9d.pth\n");
  EXPECT_THAT(WithoutWeightsIn("/it's/cache"),
              HasSubstr("-- --dir '/it'\\''s/cache' vgg19-dcbb9e9d.pth\n"));
  // Where the command puts them anyway, it needs no folder.
  setenv("XDG_CACHE_HOME", "/no", 1);
  EXPECT_THAT(
      WithoutWeightsIn(networks::published::WeightsFolder(CacheFolder())),
      HasSubstr("//tools:fetch_weights -- vgg19-dcbb9e9d.pth\n"));
}

}  // namespace
}  // namespace pipelines
