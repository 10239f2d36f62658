// Integers as pickles hold them: little-endian two's complement of any length.
#ifndef NETWORKS_WEIGHTS_BIG_INTEGER_H_
#define NETWORKS_WEIGHTS_BIG_INTEGER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace networks::weights {

// Whether the number is one of an int64_t. No bytes are the number 0.
bool FitsInt64(absl::string_view little_endian);

// The number, if it fits.
int64_t ToInt64(absl::string_view little_endian);

// The number in decimal digits; takes time quadratic in the length.
std::string ToDecimal(absl::string_view little_endian);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_BIG_INTEGER_H_
