// Reads Python pickles as PyTorch writes them, without Python and without
// running anything.
//
// A pickle is a program for a stack machine that may call any function it
// names. This interpreter knows a short list of names (pickle_names.cc), which
// can make tensors and plain containers and nothing else; every other name is
// an error as soon as it is mentioned.
//
// Opcodes of protocols 2 to 4: https://docs.python.org/3/library/pickletools
#ifndef NETWORKS_WEIGHTS_UNPICKLE_H_
#define NETWORKS_WEIGHTS_UNPICKLE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/weights/value.h"

namespace networks::weights {

// The value that the pickle at bytes[*position] builds; moves *position behind
// its end. Shapes and ranges of the tensors in it are as written, unchecked.
//
// InvalidArgument names the byte in `bytes` and the reason: a name that is not
// on the list, a damaged or truncated stream, cycles, nesting deeper than
// kMaxValueDepth, a key twice in a dict, or more memory than kMemoryFactor
// times the stream's length would be needed, by the machine and the value
// together; a scalar that the stream mentions n times takes its memory n times.
absl::StatusOr<Value> Unpickle(absl::string_view bytes, size_t* position);

// One byte of a pickle can ask for an empty list, which takes about a hundred
// bytes here.
constexpr size_t kMemoryFactor = 256;
constexpr size_t kMaxMemory = size_t{1} << 30;

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_UNPICKLE_H_
