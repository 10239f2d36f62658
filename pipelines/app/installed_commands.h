// The commands in messages and help, as whoever runs installed programs types
// them (//tools/install): cpab-animate for tools/bazelw run
// //pipelines:animate.
#ifndef PIPELINES_APP_INSTALLED_COMMANDS_H_
#define PIPELINES_APP_INSTALLED_COMMANDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace pipelines {

// Whether a program that was started as argv0 is an installed one: "cpab-..."
// in whatever folder.
bool IsInstalled(absl::string_view argv0);

// `text` with "tools/bazelw run //tools:fetch_weights -- --list" as
// "cpab-fetch-weights --list", and so on for every target.
std::string WithInstalledCommands(absl::string_view text);

// The same if this process is that of an installed program; else `text`. For
// what a program prints: RunProgram (program.h) does it for help and errors.
std::string CommandsForUser(absl::string_view text);

}  // namespace pipelines

#endif  // PIPELINES_APP_INSTALLED_COMMANDS_H_
