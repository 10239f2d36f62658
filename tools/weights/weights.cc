// Looks into files of weights, compares and converts them; see kUsage.
#include <torch/types.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"
#include "tools/weights/convert_weights.h"
#include "tools/weights/diff.h"
#include "tools/weights/list.h"

ABSL_FLAG(std::string, prefix, "",
          "Only tensors whose names begin with this; convert takes it off the "
          "names.");
ABSL_FLAG(bool, keep_prefix, false, "Leaves --prefix on the names.");
ABSL_FLAG(bool, metadata, false,
          "Also what is not a tensor (epoch, step, optimizer settings).");
ABSL_FLAG(double, tolerance, 0,
          "Largest absolute difference of two values that counts as none.");
ABSL_FLAG(bool, ignore_dtype, false, "Compares values only.");
ABSL_FLAG(std::string, dtype, "",
          "float16, bfloat16, float32 or float64, for the tensors of "
          "floating-point numbers; the others stay as they are.");
ABSL_FLAG(bool, overwrite, false, "Replaces OUTPUT if it is there.");

namespace {

constexpr char kUsage[] =
    R"(Looks into files of weights, compares and converts them.

  tools/bazelw run //tools/weights -- list vox.pth.tar
      name, shape, dtype, mean and standard deviation of every tensor
  tools/bazelw run //tools/weights -- diff OLD NEW
      what only one of the files has, and what differs
  tools/bazelw run //tools/weights -- convert INPUT OUTPUT
      to another format, dtype or naming

Reads safetensors and PyTorch's files (.pth, .pth.tar, .pt; zip and legacy) by
their content. Nothing in them is run: a pickle that holds anything but tensors
and plain data is refused. Tensors inside nested dicts have names joined by
dots: kp_detector.fg_encoder.conv1.weight.

convert writes the format that OUTPUT's name ends in: .safetensors (with the
input's numbers and strings as metadata), or .pth, .pt, .pth.tar (tensors only).

Exit codes: 0 done (diff: no difference), 1 bad file (diff: or a difference),
2 usage, above 128 where trying again can help (disk full, read-only folder).

Examples of flags:
  list vox.pth.tar --prefix kp_detector.
  diff before.safetensors after.safetensors --tolerance 1e-6
  convert vox.pth.tar detector.safetensors --prefix kp_detector. \
      --dtype float16

For a small file of a training run use tools/bazelw run //tools:slim_checkpoint,
which takes the weights averaged over steps where training kept them.
)";

constexpr int kExitDifferent = 1;

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {{"Of list and convert", {"prefix"}},
          {"Of list", {"metadata"}},
          {"Of diff", {"tolerance", "ignore_dtype"}},
          {"Of convert", {"dtype", "keep_prefix", "overwrite"}}};
}

absl::Status Usage(const std::string& message) {
  return pipelines::UsageError(absl::InvalidArgumentError(message));
}

absl::Status CheckFlags() {
  const double tolerance = absl::GetFlag(FLAGS_tolerance);
  if (!(tolerance >= 0)) {
    return Usage(absl::StrCat("--tolerance is ", tolerance, "; use 0 or more"));
  }
  const std::string dtype = absl::GetFlag(FLAGS_dtype);
  for (const char* known : {"", "float16", "bfloat16", "float32", "float64"}) {
    if (dtype == known) return absl::OkStatus();
  }
  return Usage(absl::StrCat("--dtype ", dtype,
                            " is not float16, bfloat16, float32 or float64"));
}

// A flag of another command would be passed over in silence.
absl::Status RefuseFlagsOfOthers(const std::string& command) {
  const struct {
    const absl::CommandLineFlag& flag;
    absl::string_view commands;
  } kFlags[] = {
      {absl::GetFlagReflectionHandle(FLAGS_prefix), "list and convert"},
      {absl::GetFlagReflectionHandle(FLAGS_keep_prefix), "convert"},
      {absl::GetFlagReflectionHandle(FLAGS_metadata), "list"},
      {absl::GetFlagReflectionHandle(FLAGS_tolerance), "diff"},
      {absl::GetFlagReflectionHandle(FLAGS_ignore_dtype), "diff"},
      {absl::GetFlagReflectionHandle(FLAGS_dtype), "convert"},
      {absl::GetFlagReflectionHandle(FLAGS_overwrite), "convert"}};
  for (const auto& [flag, commands] : kFlags) {
    if (absl::StrContains(commands, command) ||
        flag.CurrentValue() == flag.DefaultValue()) {
      continue;
    }
    return Usage(absl::StrCat("--", flag.Name(), " has no effect with ",
                              command, "; it is a flag of ", commands));
  }
  if (absl::GetFlag(FLAGS_keep_prefix) && absl::GetFlag(FLAGS_prefix).empty()) {
    return Usage("--keep_prefix has no effect without --prefix");
  }
  return absl::OkStatus();
}

// The files that follow the command, as the user means them.
absl::StatusOr<std::vector<std::string>> Files(
    const std::vector<std::string>& arguments, size_t count) {
  RETURN_IF_ERROR(RefuseFlagsOfOthers(arguments[0]));
  if (arguments.size() != count + 1) {
    return Usage(absl::StrCat(arguments[0], " takes ", count, " file",
                              count == 1 ? "" : "s", ", not ",
                              arguments.size() - 1, "; see --help"));
  }
  std::vector<std::string> files;
  for (size_t i = 1; i <= count; ++i) {
    files.push_back(pipelines::UserPath(arguments[i]));
  }
  return files;
}

// The exit code of a command that was carried out.
absl::StatusOr<int> Run(const std::vector<std::string>& arguments) {
  RETURN_IF_ERROR(CheckFlags());
  if (arguments.empty()) return Usage("no command; see --help");
  const std::string& command = arguments[0];
  if (command == "list") {
    ASSIGN_OR_RETURN(const auto files, Files(arguments, 1));
    RETURN_IF_ERROR(tools::weights::List(
        files[0], {absl::GetFlag(FLAGS_prefix), absl::GetFlag(FLAGS_metadata)},
        std::cout));
    return 0;
  }
  if (command == "diff") {
    ASSIGN_OR_RETURN(const auto files, Files(arguments, 2));
    ASSIGN_OR_RETURN(const bool same,
                     tools::weights::Diff(files[0], files[1],
                                          {absl::GetFlag(FLAGS_tolerance),
                                           absl::GetFlag(FLAGS_ignore_dtype)},
                                          std::cout));
    return same ? 0 : kExitDifferent;
  }
  if (command == "convert") {
    ASSIGN_OR_RETURN(const auto files, Files(arguments, 2));
    RETURN_IF_ERROR(tools::weights::Convert(
        files[0], files[1],
        {absl::GetFlag(FLAGS_dtype), absl::GetFlag(FLAGS_prefix),
         absl::GetFlag(FLAGS_keep_prefix), absl::GetFlag(FLAGS_overwrite)},
        std::cout));
    return 0;
  }
  return Usage(absl::StrCat("unknown command '", command,
                            "'; use list, diff or convert"));
}

}  // namespace

int main(int argc, char** argv) {
  int result = 0;  // of a comparison, as diff's
  const int code = pipelines::RunProgram(
      {"weights", kUsage, __FILE__, FlagGroups()}, argc, argv,
      [&](const pipelines::CommandLine& line) -> absl::Status {
        ASSIGN_OR_RETURN(result, Run(line.arguments));
        return absl::OkStatus();
      });
  return code != 0 ? code : result;
}
