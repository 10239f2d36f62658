// Small files that claim to be huge: each must be refused at once, before
// memory is taken for what it claims.
#ifndef TOOLS_RELIABILITY_BOMBS_H_
#define TOOLS_RELIABILITY_BOMBS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace reliability {

struct Bomb {
  std::string name;                                           // "png-65535.png"
  std::function<void(const std::string& path)> make;          // writes the file
  std::function<absl::Status(const std::string& path)> read;  // as a program
};

std::vector<Bomb> Bombs();

struct BombResult {
  std::string name;
  std::string wrong;  // empty: refused by an error that names the file, in time
  double seconds = 0;
  int64_t bytes = 0;  // of memory beyond what the process had before
  std::string message;
};

inline constexpr double kBombSeconds = 1;
inline constexpr int64_t kBombBytes = 100 * 1000 * 1000;

// Makes the bomb in `folder`, reads it in a process of its own, and removes it.
BombResult TryBomb(const Bomb& bomb, const std::string& folder);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_BOMBS_H_
