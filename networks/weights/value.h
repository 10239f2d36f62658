// The plain data of a PyTorch file: what Python would have as None, numbers,
// strings, lists, tuples, sets, dicts and tensors. Without LibTorch; a tensor
// is described, not held.
#ifndef NETWORKS_WEIGHTS_VALUE_H_
#define NETWORKS_WEIGHTS_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"

namespace networks::weights {

enum class ElementType {
  kBool,
  kUint8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kHalf,
  kBfloat16,
  kFloat,
  kDouble,
  kComplexFloat,
  kComplexDouble,
};

// Bytes of one element.
int64_t ElementSize(ElementType type);

// A tensor: element (i, j, ...) is the storage's element number
// offset + i * strides[0] + j * strides[1] + ...
struct TensorView {
  std::string storage;  // Its key; tensors of the same key share memory.
  ElementType type = ElementType::kFloat;
  int64_t storage_size = 0;  // In elements.
  int64_t offset = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

struct None {};
// An integer beyond 64 bits, in decimal.
struct BigInteger {
  std::string decimal;
};
struct Bytes {
  std::string bytes;
};
// A name of torch's that stands for itself: "torch.float32", "cuda:0".
struct Symbol {
  std::string name;
};
struct Sequence;
struct Dict;

// Immutable; copies share the contents. Never cyclic, and at most
// kMaxValueDepth deep, so that recursion over it is safe.
struct Value {
  std::variant<None, bool, int64_t, BigInteger, double, std::string, Bytes,
               Symbol, std::shared_ptr<const TensorView>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>>
      data;
};
constexpr int kMaxValueDepth = 128;

struct Sequence {
  enum Kind { kList, kTuple, kSet };
  Kind kind = kList;
  std::vector<Value> items;
};

// In the order of insertion, no key twice.
struct Dict {
  std::vector<std::pair<Value, Value>> items;
};

// The value of a string key; null if `value` is no dict or has no such key.
const Value* Find(const Value& value, absl::string_view key);

// A scalar as text: "None", "True", "12", "0.5", "text". As Python's str(),
// but for a whole double, which is "1"; a double's digits read back as itself,
// though there may be shorter ones. Empty for containers and tensors.
std::string ScalarText(const Value& value);

// Whether ScalarText has something to say.
bool IsScalar(const Value& value);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_VALUE_H_
