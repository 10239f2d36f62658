#include "pipelines/app/exit_code.h"

#include <algorithm>
#include <csignal>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace pipelines {
namespace {

// A status carries its exit code where its kind of error alone does not tell.
constexpr char kExitCodeUrl[] = "cpab_animation/exit_code";

absl::Status WithExitCode(absl::Status status, int code) {
  status.SetPayload(kExitCodeUrl, absl::Cord(std::to_string(code)));
  return status;
}

const char* NameOf(int signal) {
  switch (signal) {
    case SIGINT:
      return "Ctrl-C";
    case SIGHUP:
      return "SIGHUP, as where a terminal is closed";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "SIGTERM";
  }
}

}  // namespace

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  if (const auto code = status.GetPayload(kExitCodeUrl)) {
    return std::stoi(std::string(*code));
  }
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kAborted:
      return 129;
    default:
      return 1;
  }
}

bool CanTryAgain(int exit_code) {
  return exit_code == 129 || exit_code == 128 + SIGINT ||
         exit_code == 128 + SIGUSR1 || exit_code == 128 + SIGTERM;
}

std::string OneLine(absl::string_view message) {
  std::string line(message);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return absl::ascii_iscntrl(c); },
      ' ');
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    const auto next = static_cast<unsigned char>(line[i + 1]);
    if (line[i] == '\xc2' && next >= 0x80 && next < 0xa0) {
      line.replace(i, 2, 2, ' ');
    }
  }
  return line;
}

void PrintLine(std::FILE* stream, absl::string_view line) {
  std::fprintf(stream, "%s\n", OneLine(line).c_str());
  std::fflush(stream);
}

void PrintLines(std::FILE* stream, absl::string_view text) {
  for (const absl::string_view line :
       absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    PrintLine(stream, line);
  }
}

int Exit(const char* program, const absl::Status& status) {
  if (absl::IsCancelled(status)) {
    std::fprintf(stderr, "%s: %s\n", program,
                 std::string(status.message()).c_str());
  } else if (!status.ok()) {
    PrintLine(stderr, absl::StrCat(program, ": error: ", status.message()));
  }
  return ExitCode(status);
}

absl::Status StoppedBySignal(int signal, const std::string& more) {
  std::string message = std::string("stopped by ") + NameOf(signal);
  if (!more.empty()) message += "; " + more;
  return WithExitCode(absl::CancelledError(message), 128 + signal);
}

absl::Status DivergedError(const std::string& message) {
  return WithExitCode(absl::OutOfRangeError(message), 3);
}

absl::Status UsageError(const absl::Status& status) {
  return status.ok() ? status : WithExitCode(status, kExitUsage);
}

}  // namespace pipelines
