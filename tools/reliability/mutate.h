// Damaged copies of a file's bytes.
#ifndef TOOLS_RELIABILITY_MUTATE_H_
#define TOOLS_RELIABILITY_MUTATE_H_

#include <random>
#include <string>

namespace reliability {

// `bytes` after one to four changes that `random` chooses: bits flipped, a byte
// or a number of four bytes set to an extreme, a piece removed, repeated
// or zeroed, the end cut off.
std::string Mutated(std::string bytes, std::mt19937_64& random);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_MUTATE_H_
