// What the stack machine of networks/weights/pickle_machine.h computes with.
#ifndef NETWORKS_WEIGHTS_PICKLE_OBJECT_H_
#define NETWORKS_WEIGHTS_PICKLE_OBJECT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "networks/weights/value.h"

namespace networks::weights::pickle {

// Objects refer to each other by index into the machine's list of them, so that
// cycles and deep nesting are harmless while it runs and when it ends.
using Id = uint32_t;

struct Object {
  enum Kind {
    kNone,
    kBool,
    kInt,
    kBigInt,
    kFloat,
    kString,
    kBytes,
    kSymbol,
    kFunction,
    kStorageType,
    kStorage,
    kTensor,
    kTuple,
    kList,
    kSet,
    kDict,
  };
  Kind kind = kNone;
  int64_t integer = 0;  // kBool, kInt, Function, or the storage's ElementType.
  double real = 0;
  std::string text;
  std::vector<Id> items;  // Of a dict: key, value, key, value, ...
  std::shared_ptr<const TensorView> view;  // kStorage (without shape), kTensor.
};

// As messages call it: "a list", "an integer".
const char* KindName(Object::Kind kind);

}  // namespace networks::weights::pickle

#endif  // NETWORKS_WEIGHTS_PICKLE_OBJECT_H_
