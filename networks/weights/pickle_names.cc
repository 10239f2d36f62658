// Tested by unpickle_test.cc.
#include "networks/weights/pickle_names.h"

#include <cstdint>

#include "absl/strings/string_view.h"
#include "networks/weights/value.h"

namespace networks::weights::pickle {
namespace {

constexpr KnownName Callable(const char* name, Function function) {
  return {name, Object::kFunction, static_cast<int64_t>(function)};
}
constexpr KnownName StorageOf(const char* name, ElementType type) {
  return {name, Object::kStorageType, static_cast<int64_t>(type)};
}
constexpr KnownName Name(const char* name) {
  return {name, Object::kSymbol, 0};
}

// Python 2 and 3 call the module of the built-in types differently.
constexpr KnownName kKnownNames[] = {
    Callable("torch._utils._rebuild_tensor_v2", Function::kRebuildTensor),
    Callable("torch._utils._rebuild_tensor", Function::kRebuildTensor),
    Callable("torch._utils._rebuild_parameter", Function::kRebuildParameter),
    Callable("collections.OrderedDict", Function::kMakeDict),
    Callable("collections.Counter", Function::kMakeDict),
    // DINO's training checkpoints keep their flags in one.
    Callable("argparse.Namespace", Function::kMakeDict),
    Callable("torch.Size", Function::kMakeSize),
    Callable("torch.device", Function::kMakeDevice),
    Callable("_codecs.encode", Function::kEncode),
    Callable("__builtin__.bytes", Function::kMakeBytes),
    Callable("builtins.bytes", Function::kMakeBytes),
    Callable("__builtin__.set", Function::kMakeSet),
    Callable("builtins.set", Function::kMakeSet),
    Callable("__builtin__.frozenset", Function::kMakeSet),
    Callable("builtins.frozenset", Function::kMakeSet),
    StorageOf("torch.BoolStorage", ElementType::kBool),
    StorageOf("torch.ByteStorage", ElementType::kUint8),
    StorageOf("torch.CharStorage", ElementType::kInt8),
    StorageOf("torch.ShortStorage", ElementType::kInt16),
    StorageOf("torch.IntStorage", ElementType::kInt32),
    StorageOf("torch.LongStorage", ElementType::kInt64),
    StorageOf("torch.HalfStorage", ElementType::kHalf),
    StorageOf("torch.BFloat16Storage", ElementType::kBfloat16),
    StorageOf("torch.FloatStorage", ElementType::kFloat),
    StorageOf("torch.DoubleStorage", ElementType::kDouble),
    StorageOf("torch.ComplexFloatStorage", ElementType::kComplexFloat),
    StorageOf("torch.ComplexDoubleStorage", ElementType::kComplexDouble),
    Name("torch.bool"),
    Name("torch.uint8"),
    Name("torch.int8"),
    Name("torch.int16"),
    Name("torch.int32"),
    Name("torch.int64"),
    Name("torch.float16"),
    Name("torch.bfloat16"),
    Name("torch.float32"),
    Name("torch.float64"),
    Name("torch.complex64"),
    Name("torch.complex128"),
};

}  // namespace

const KnownName* FindName(absl::string_view full_name) {
  for (const KnownName& known : kKnownNames) {
    if (full_name == known.name) return &known;
  }
  return nullptr;
}

}  // namespace networks::weights::pickle
