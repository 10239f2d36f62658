#include "networks/weights/pickle_object.h"

namespace networks::weights::pickle {

const char* KindName(Object::Kind kind) {
  constexpr const char* kNames[] = {
      "None",       "a bool",         "an integer", "an integer",
      "a float",    "a string",       "bytes",      "a name",
      "a function", "a storage type", "a storage",  "a tensor",
      "a tuple",    "a list",         "a set",      "a dict"};
  return kNames[kind];
}

}  // namespace networks::weights::pickle
