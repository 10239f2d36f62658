// Everything that a pickle may name (networks/weights/unpickle.h).
#ifndef NETWORKS_WEIGHTS_PICKLE_NAMES_H_
#define NETWORKS_WEIGHTS_PICKLE_NAMES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "networks/weights/pickle_object.h"

namespace networks::weights::pickle {

// The functions that a pickle may call; all of them are our own.
enum class Function {
  kMakeDict,
  kMakeSet,
  kMakeBytes,
  kEncode,
  kMakeSize,
  kMakeDevice,
  kRebuildTensor,
  kRebuildParameter,
};

struct KnownName {
  const char* name;   // With its module: "torch.Size".
  Object::Kind kind;  // kFunction, kStorageType or kSymbol.
  int64_t value;      // Function, ElementType, or 0.
};

// Null for a name that a pickle may not mention.
const KnownName* FindName(absl::string_view full_name);

}  // namespace networks::weights::pickle

#endif  // NETWORKS_WEIGHTS_PICKLE_NAMES_H_
