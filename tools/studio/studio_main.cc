// tools/bazelw run //tools/studio: the system in a browser; see kUsage.
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/base/runfile.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/api/checkpoints.h"
#include "tools/studio/http/access.h"
#include "tools/studio/studio_server.h"
#include "tools/studio/units.h"

ABSL_FLAG(
    std::string, listen, "127.0.0.1",
    "The numeric address to listen on. One that other machines can reach, "
    "as 0.0.0.0, needs --token_file.");
ABSL_FLAG(int, port, 7878, "The port; 0 takes any that is free.");
ABSL_FLAG(std::string, token_file, "",
          "A file with the token that requests need, for you alone to read: at "
          "least 22 letters, digits, - and _. "
          "Empty: a new token at each start.");
ABSL_FLAG(std::vector<std::string>, allowed_hosts, {},
          "With --listen: names, with commas between, by which browsers reach "
          "this machine, as lab7.example.org. Numeric addresses need no name "
          "here.");
ABSL_FLAG(std::string, root, "runs",
          "The folder with the training runs to show, or one run's folder.");
ABSL_FLAG(std::vector<std::string>, checkpoints, {},
          "Further checkpoints, with commas between: .safetensors or .pth.tar "
          "files, folders with such files, and folders of runs.");
ABSL_FLAG(std::string, data, "",
          "The folder for uploads and jobs. Empty: cpab_animation/studio in "
          "$XDG_STATE_HOME or ~/.local/state.");
ABSL_FLAG(std::string, device, "auto",
          "Where jobs run: auto, cpu, cuda or cuda:1.");
ABSL_FLAG(std::string, quota, "20GiB",
          "Of all uploads and jobs together; with its unit.");
ABSL_FLAG(std::string, max_upload, "512MiB",
          "Of one upload, at most --quota; with its unit.");
ABSL_FLAG(std::string, max_age, "7d",
          "Uploads that were not used, and jobs that ended, this long ago are "
          "deleted.");
ABSL_FLAG(int, max_queue, 20, "Jobs that may wait.");
ABSL_FLAG(std::string, job_memory, "8GiB", "Memory of one job; with its unit.");

namespace studio {
namespace {

constexpr char kUsage[] =
    R"(Animates stills, shows what CPAB transforms do, and follows training
runs, in a browser.

  tools/bazelw run //tools/studio

It prints an address with a secret token. Open the address in a browser on this
machine. Ctrl-C ends Studio; jobs that run or wait are interrupted then.

From another machine, without opening a port:
  ssh -L 7878:127.0.0.1:7878 HOST

Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 the page or the folder of uploads
and jobs cannot be used, 2 bad flag or port in use, 129 the system is in the
way: another Studio uses the folder, or the disk is full.)";

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {
      {"Address", {"listen", "port", "token_file", "allowed_hosts"}},
      {"Folders", {"root", "checkpoints", "data"}},
      {"Limits", {"quota", "max_upload", "max_age", "max_queue", "job_memory"}},
      {"Jobs", {"device"}}};
}

absl::StatusOr<std::string> DataFolder() {
  std::string data = absl::GetFlag(FLAGS_data);
  if (data.empty()) {
    const char* state = std::getenv("XDG_STATE_HOME");
    data = absl::StrCat(state && *state == '/' ? state : "~/.local/state",
                        "/cpab_animation/studio");
  }
  // As of a service: without it the folder would be one of the whole machine.
  const char* home = std::getenv("HOME");
  if (absl::StartsWith(data, "~/") && (home == nullptr || *home != '/')) {
    return absl::InvalidArgumentError(
        "--data: HOME is not set; name a folder by its whole path");
  }
  const std::string folder = pipelines::UserPath(data);
  std::error_code error;
  if (std::filesystem::exists(folder, error) &&
      !std::filesystem::is_directory(folder, error)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--data: ", folder, ": is no folder; name one for uploads and jobs"));
  }
  return folder;
}

absl::Status Named(absl::string_view flag, const absl::Status& status) {
  return status.ok()
             ? status
             : absl::Status(status.code(),
                            absl::StrCat("--", flag, ": ", status.message()));
}

bool IsDefault(const absl::CommandLineFlag& flag) {
  return flag.CurrentValue() == flag.DefaultValue();
}

// The default --root need not be there yet.
absl::Status CheckRoot(const std::string& root) {
  if (root.empty()) {
    return absl::InvalidArgumentError(
        "--root is empty; name a folder with training runs");
  }
  std::error_code error;
  if (std::filesystem::is_directory(root, error) ||
      IsDefault(absl::GetFlagReflectionHandle(FLAGS_root))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--root: ", root,
                   std::filesystem::exists(root, error)
                       ? ": is no folder; name one with training runs"
                       : ": there is no such folder"));
}

absl::Status ReadLimits(StudioOptions* options) {
  const absl::StatusOr<int64_t> quota = ParseBytes(absl::GetFlag(FLAGS_quota));
  RETURN_IF_ERROR(Named("quota", quota.status()));
  const absl::StatusOr<int64_t> max_upload =
      ParseBytes(absl::GetFlag(FLAGS_max_upload));
  RETURN_IF_ERROR(Named("max_upload", max_upload.status()));
  const absl::StatusOr<int64_t> memory =
      ParseBytes(absl::GetFlag(FLAGS_job_memory));
  RETURN_IF_ERROR(Named("job_memory", memory.status()));
  const absl::StatusOr<absl::Duration> max_age =
      ParseAge(absl::GetFlag(FLAGS_max_age));
  RETURN_IF_ERROR(Named("max_age", max_age.status()));
  if (*max_upload > *quota &&
      !IsDefault(absl::GetFlagReflectionHandle(FLAGS_max_upload))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--max_upload is ", absl::GetFlag(FLAGS_max_upload),
        ", more than --quota, which is ", absl::GetFlag(FLAGS_quota),
        "; raise one or lower the other"));
  }
  options->quota = *quota;
  options->max_upload = std::min(*max_upload, *quota);
  options->job_memory = *memory;
  options->max_age = *max_age;
  options->max_queue = absl::GetFlag(FLAGS_max_queue);
  if (options->max_queue < 1 || options->max_queue > 1000) {
    return absl::InvalidArgumentError("--max_queue has to be 1 to 1000");
  }
  return absl::OkStatus();
}

absl::StatusOr<StudioOptions> OptionsFromFlags() {
  StudioOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.port = absl::GetFlag(FLAGS_port);
  if (options.port < 0 || options.port > 65535) {
    return absl::InvalidArgumentError("--port has to be 0 to 65535");
  }
  options.allowed_hosts = absl::GetFlag(FLAGS_allowed_hosts);
  const std::string token_file =
      pipelines::UserPath(absl::GetFlag(FLAGS_token_file));
  if (!token_file.empty()) {
    ASSIGN_OR_RETURN(options.token, ReadTokenFile(token_file));
  }
  ASSIGN_OR_RETURN(options.data, DataFolder());
  options.runs = pipelines::UserPath(absl::GetFlag(FLAGS_root));
  RETURN_IF_ERROR(CheckRoot(options.runs));
  for (const std::string& folder :
       pipelines::PathsWithCommas(absl::GetFlag(FLAGS_checkpoints))) {
    if (folder.empty()) continue;
    options.checkpoint_folders.push_back(pipelines::UserPath(folder));
    RETURN_IF_ERROR(Named("checkpoints",
                          CheckCheckpoints(options.checkpoint_folders.back())));
  }
  options.page = pipelines::RunfilePath("tools/studio/page");
  options.device = absl::GetFlag(FLAGS_device);
  RETURN_IF_ERROR(ReadLimits(&options));
  return options;
}

// The address that a user opens. A token of the user's own file is not shown.
std::string AddressOf(const StudioOptions& options,
                      const StudioServer& server) {
  const bool is_v6 = options.listen.find(':') != std::string::npos;
  const std::string host =
      is_v6 ? absl::StrCat("[", options.listen, "]") : options.listen;
  return absl::StrCat(
      "http://", host, ":", server.port(), "/#",
      options.token.empty() ? server.token() : std::string("TOKEN"));
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  ASSIGN_OR_RETURN(StudioOptions options,
                   pipelines::UsageError(OptionsFromFlags()));
  if (pipelines::IsInstalled(line.words[0])) {
    options.animate = "cpab-animate";
  }
  pipelines::ProgramHooks hooks("studio");
  options.warn = hooks.hooks().warn;
  // A client that leaves, or a child process that ends, is no reason to end.
  signal(SIGPIPE, SIG_IGN);
  pipelines::CatchStopSignals();
  absl::StatusOr<std::unique_ptr<StudioServer>> server =
      StudioServer::Start(options);
  if (absl::IsInvalidArgument(server.status()) ||
      absl::IsAlreadyExists(server.status())) {
    return pipelines::UsageError(server.status());
  }
  RETURN_IF_ERROR(server.status());
  std::printf("studio: %s\n", AddressOf(options, **server).c_str());
  std::printf("studio: uploads and jobs are in %s; Ctrl-C ends Studio\n",
              options.data.c_str());
  std::fflush(stdout);
  while (pipelines::StopSignal() == 0) absl::SleepFor(absl::Milliseconds(100));
  std::printf("studio: ends; jobs that run or wait are interrupted\n");
  std::fflush(stdout);
  return absl::OkStatus();
}

}  // namespace
}  // namespace studio

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"studio", studio::kUsage, __FILE__, studio::FlagGroups()}, argc, argv,
      studio::Run);
}
