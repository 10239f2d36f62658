// Parses a command line into the Abseil flags that the program defines.
//
// Abseil's own parser ends the process with status 1 for --help and for every
// mistake, and keeps only the last of a repeated flag. This one returns errors,
// so that a program can exit with 2, and collects repetitions of --set.
#ifndef PIPELINES_APP_COMMAND_LINE_H_
#define PIPELINES_APP_COMMAND_LINE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pipelines {

struct CommandLine {
  // All words as they were given, the program first.
  std::vector<std::string> words;
  // What is not a flag, in order.
  std::vector<std::string> arguments;
  // The value of every --set, in order: config overrides "path.to.field=value".
  std::vector<std::string> overrides;
  // --help or -h was given; nothing after it was read.
  bool help = false;
};

// Sets the flags that `argv` names, as --flag=value, --flag value, --flag and
// --noflag for booleans. "--" ends the flags. InvalidArgument for an unknown
// flag (naming the nearest one), a value that does not parse, or a missing one:
// a known flag in its place is none.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv);

// InvalidArgument naming the first argument that is not a flag, for programs
// that take none; or --set before it, if it lacks its value.
absl::Status RefuseArguments(const CommandLine& line);

// The names in a flag that takes several with commas between; `words` is its
// text, parted at every comma. Words that with the commas between are a name
// that `is_there` knows are this one name, the longest where there are several.
std::vector<std::string> NamesWithCommas(
    const std::vector<std::string>& words,
    const std::function<bool(const std::string&)>& is_there);

// The same for files and folders, by the paths that UserPath makes of them.
std::vector<std::string> PathsWithCommas(const std::vector<std::string>& words);

// The command by which the user can start this program again with the same
// arguments, quoted for a shell. `target` is its name where Bazel runs it, as
// "//pipelines:train".
std::string RepeatedCommand(const std::string& target, const CommandLine& line);

// `text` in lines of at most 80 columns, each after `indent` spaces. A longer
// word has a line of its own.
std::string Wrapped(absl::string_view text, size_t indent);

// Flags that --help tells of together, in this order, behind a title.
struct FlagGroup {
  std::string title;
  std::vector<std::string> flags;
};

// `usage`, then every flag that is defined in a file whose path contains
// `source`, with its description and default, in lines of at most 80 columns:
// those of `groups`, then the others by name.
std::string HelpText(absl::string_view usage, absl::string_view source,
                     const std::vector<FlagGroup>& groups = {});

}  // namespace pipelines

#endif  // PIPELINES_APP_COMMAND_LINE_H_
