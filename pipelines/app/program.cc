#include "pipelines/app/program.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "networks/files/system_error.h"
#include "networks/published/weight_files.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/base/exception_status.h"
#include "pipelines/base/quoted_for_shell.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"

namespace pipelines {
namespace {

// A report that does not fit on the disk is lost when the buffer is written,
// which nobody would notice after main().
absl::Status FlushStandardOutput() {
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::ferror(stdout) == 0) return absl::OkStatus();
  return networks::files::SystemError(errno != 0 ? errno : EIO,
                                      "standard output",
                                      "write all that was to be printed");
}

// What a library that was asked to stop returns, as the signal that asked.
absl::Status NameTheSignal(absl::Status status) {
  if (!absl::IsCancelled(status) || StopSignal() == 0) return status;
  if (ExitCode(status) == 128 + StopSignal()) return status;  // named already
  return StoppedBySignal(StopSignal());
}

// With all else that `status` carries.
absl::Status WithMessage(const absl::Status& status,
                         const std::string& message) {
  absl::Status result(status.code(), message);
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

// Whether the program has this flag, with another value.
bool CanSet(absl::string_view flag, absl::string_view value) {
  const absl::CommandLineFlag* found = absl::FindCommandLineFlag(flag);
  return found != nullptr && found->CurrentValue() != value;
}

// What the user can do where memory does not suffice, by the program's flags;
// empty if nothing.
std::string MemoryAdvice(const Program& program, absl::string_view message) {
  if (program.when_out_of_memory != nullptr) return program.when_out_of_memory;
  std::vector<std::string> ways;
  if (absl::FindCommandLineFlag("model_size") != nullptr) {
    ways.push_back("a smaller --model_size");
  }
  // Of segment, whose --model is that of its weights.
  if (CanSet("weights", "mobile-sam") && CanSet("weights", "mobile_sam.pt")) {
    ways.push_back("--weights mobile-sam");
  }
  if (CanSet("precision", "bfloat16") && CanSet("precision", "float16")) {
    ways.push_back("--precision bfloat16");
  }
  if (CanSet("batch_size", "1")) ways.push_back("--batch_size 1");
  if (CanSet("device", "cpu") && absl::StrContains(message, "CUDA")) {
    ways.push_back("another --device");
  }
  return ways.empty() ? "" : absl::StrCat("use ", absl::StrJoin(ways, " or "));
}

// The command that fetches what a library misses.
std::string WeightsAdvice(const networks::published::MissingWeights& missing) {
  // Where the command looks without being told.
  const bool is_usual =
      missing.folder == networks::published::WeightsFolder(CacheFolder());
  return absl::StrCat(
      "fetch them by: tools/bazelw run //tools:fetch_weights -- ",
      is_usual ? ""
               : absl::StrCat("--dir ", QuotedForShell(missing.folder), " "),
      missing.name);
}

// Adds what the user can do.
absl::Status AdviseOn(const Program& program, const absl::Status& status) {
  std::string advice;
  if (const auto missing = networks::published::MissingWeightsOf(status)) {
    advice = WeightsAdvice(*missing);
  } else if (IsOutOfMemory(status)) {
    advice = MemoryAdvice(program, status.message());
  } else if (IsWithoutGpuCode(status)) {
    advice =
        "name another LibTorch by the variable LIBTORCH (README.md says which "
        "GPUs they are for), or use the CPU";
  }
  if (advice.empty()) return status;
  return WithMessage(status, absl::StrCat(status.message(), "; ", advice));
}

absl::Status Do(const Program& program, int argc, char** argv,
                const std::function<absl::Status(const CommandLine&)>& body) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) return UsageError(line.status());
  if (line->help) {
    const std::string help =
        HelpText(program.usage, program.source, program.groups);
    std::printf("%s\n", CommandsForUser(help).c_str());
    return absl::OkStatus();
  }
  try {
    return NameTheSignal(body(*line));
  } catch (const std::exception& error) {
    return ExceptionStatus(error);
  }
}

}  // namespace

int RunProgram(const Program& program, int argc, char** argv,
               const std::function<absl::Status(const CommandLine&)>& body) {
  absl::Status status = AdviseOn(program, Do(program, argc, argv, body));
  status.Update(FlushStandardOutput());
  // An installed program must not tell of Bazel.
  return Exit(program.name,
              WithMessage(status, CommandsForUser(status.message())));
}

}  // namespace pipelines
