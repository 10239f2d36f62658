// What the programs that read damaged files have in common: the flags, the
// trials in child processes, the report.
#ifndef TOOLS_RELIABILITY_MUTATION_PROGRAM_H_
#define TOOLS_RELIABILITY_MUTATION_PROGRAM_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace reliability {

// A whole file.
struct Seed {
  std::string kind;  // "png", "mp4", "wav"
  std::string bytes;
  bool is_sound = false;
};

struct MutationProgram {
  const char* name;
  const char* usage;
  // The files that are damaged. May use `folder` for files on the way.
  std::function<std::vector<Seed>(const std::string& folder)> make_seeds;
  // Reads `bytes`, a damaged copy of `seed`, under a name that has kMutatedName
  // in it. "" where all is well.
  std::function<std::string(const Seed& seed, std::string bytes, int64_t trial,
                            const std::string& folder)>
      read;
};

inline constexpr char kMutatedName[] = "mutated";

// What is wrong with the message of `status`: it must name the file.
std::string WhatIsWrongWith(const absl::Status& status);

// main() of `program`.
int RunMutationProgram(const MutationProgram& program, int argc, char** argv);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_MUTATION_PROGRAM_H_
