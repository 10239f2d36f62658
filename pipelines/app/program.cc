#include "pipelines/app/program.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/files/system_error.h"
#include "networks/published/weight_files.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/base/exception_status.h"
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

// Adds the command that fetches what a library misses.
absl::Status AdviseOn(const absl::Status& status) {
  namespace published = networks::published;
  const auto missing = published::MissingWeightsOf(status);
  if (!missing) return status;
  // Where the command looks without being told.
  const bool is_usual =
      missing->folder == published::WeightsFolder(CacheFolder());
  absl::Status advised(
      status.code(),
      absl::StrCat(
          status.message(),
          "; fetch them by: tools/bazelw run //tools:fetch_weights "
          "-- ",
          is_usual
              ? ""
              : absl::StrCat("--dir ", QuotedForShell(missing->folder), " "),
          missing->name));
  status.ForEachPayload(
      [&advised](absl::string_view url, const absl::Cord& payload) {
        advised.SetPayload(url, payload);
      });
  return advised;
}

// Of an installed program, which must not tell of Bazel.
absl::Status WithoutBazel(const absl::Status& status) {
  absl::Status result(status.code(), WithInstalledCommands(status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

absl::Status StatusOf(const Program& program, const std::exception& error) {
  const absl::Status status = ExceptionStatus(error);
  if (!absl::IsResourceExhausted(status) ||
      program.when_out_of_memory == nullptr) {
    return status;
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(status.message(), "; ", program.when_out_of_memory));
}

absl::Status Do(const Program& program, int argc, char** argv,
                const std::function<absl::Status(const CommandLine&)>& body) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) return UsageError(line.status());
  if (line->help) {
    const std::string help =
        HelpText(program.usage, program.source, program.groups);
    std::printf(
        "%s\n",
        (IsInstalled(argv[0]) ? WithInstalledCommands(help) : help).c_str());
    return absl::OkStatus();
  }
  try {
    return AdviseOn(NameTheSignal(body(*line)));
  } catch (const std::exception& error) {
    return StatusOf(program, error);
  }
}

}  // namespace

int RunProgram(const Program& program, int argc, char** argv,
               const std::function<absl::Status(const CommandLine&)>& body) {
  absl::Status status = Do(program, argc, argv, body);
  status.Update(FlushStandardOutput());
  if (IsInstalled(argv[0])) status = WithoutBazel(status);
  return Exit(program.name, status);
}

}  // namespace pipelines
