#include "networks/weights/unpickle.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/weights/big_integer.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

enum Opcode : uint8_t {
  kMark = '(',
  kEmptyTuple = ')',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kDict = 'd',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kProto = 0x80,
  kNewObject = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

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

// One object of the machine. Objects refer to each other by index into the
// machine's list of them, so that cycles and deep nesting are harmless while
// it runs and when it ends.
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

const char* KindName(Object::Kind kind) {
  constexpr const char* kNames[] = {
      "None",       "a bool",         "an integer", "an integer",
      "a float",    "a string",       "bytes",      "a name",
      "a function", "a storage type", "a storage",  "a tensor",
      "a tuple",    "a list",         "a set",      "a dict"};
  return kNames[kind];
}

struct KnownName {
  const char* name;
  Object::Kind kind;
  int64_t value;
};

constexpr KnownName Callable(const char* name, Function function) {
  return {name, Object::kFunction, static_cast<int64_t>(function)};
}
constexpr KnownName StorageOf(const char* name, ElementType type) {
  return {name, Object::kStorageType, static_cast<int64_t>(type)};
}
constexpr KnownName Name(const char* name) {
  return {name, Object::kSymbol, 0};
}

// Everything that a pickle may name. Python 2 and 3 call the module of the
// built-in types differently.
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

// LibTorch's limit; also keeps a hostile shape from taking memory.
constexpr size_t kMaxDimensions = 64;

uint64_t LittleEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

double BigEndianDouble(absl::string_view bytes) {
  uint64_t bits = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
  }
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

std::string Printable(absl::string_view text) {
  return absl::CHexEscape(text.substr(0, 200));
}

// UTF-8 of code points up to 255 to one byte each; false if it is not that.
bool EncodeLatin1(absl::string_view utf8, std::string* bytes) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      bytes->push_back(utf8[i]);
      continue;
    }
    if ((lead != 0xc2 && lead != 0xc3) || ++i == utf8.size()) return false;
    const auto trail = static_cast<unsigned char>(utf8[i]);
    if (trail >> 6 != 2) return false;
    bytes->push_back(static_cast<char>(lead << 6 | (trail & 0x3f)));
  }
  return true;
}

std::string TooMuchMemory(size_t memory) {
  return absl::StrCat("takes ", memory,
                      " bytes of memory, far more than such a stream should");
}

class Machine {
 public:
  Machine(absl::string_view bytes, size_t position)
      : bytes_(bytes), begin_(position), position_(position) {}

  // Runs to the end of the pickle. The result is the only object left.
  absl::StatusOr<Id> Run();

  size_t position() const { return position_; }
  const std::deque<Object>& objects() const { return objects_; }
  size_t memory() const { return memory_; }
  size_t max_memory() const;

 private:
  absl::Status Step(uint8_t opcode);
  absl::Status StepConstant(uint8_t opcode);
  absl::Status StepContainer(uint8_t opcode);
  absl::Status StepMemo(uint8_t opcode);

  // An error at the present opcode.
  template <typename... T>
  absl::Status Error(const T&... reason) const {
    return absl::InvalidArgumentError(
        absl::StrCat("pickle byte ", opcode_position_, ": ", reason...));
  }

  absl::StatusOr<absl::string_view> Take(uint64_t size);
  absl::StatusOr<uint64_t> TakeInteger(size_t size);
  absl::StatusOr<absl::string_view> TakePrefixed(size_t length_size);
  absl::StatusOr<absl::string_view> TakeLine();

  absl::Status Charge(size_t memory);
  absl::Status Push(Object object);
  absl::Status PushInt(int64_t value);
  absl::Status PushText(Object::Kind kind, absl::string_view text);
  absl::Status PushInteger(absl::string_view little_endian);
  absl::Status PushItems(Object::Kind kind, std::vector<Id> items);
  absl::Status PushNamed(absl::string_view module, absl::string_view name);

  size_t bottom() const { return marks_.empty() ? 0 : marks_.back(); }
  absl::StatusOr<Id> PopId();
  absl::StatusOr<std::vector<Id>> PopIds(size_t count);
  absl::StatusOr<std::vector<Id>> PopToMark();
  absl::StatusOr<Object*> Top(Object::Kind kind);
  absl::Status Extend(Object::Kind kind, std::vector<Id> items);

  absl::Status Put(uint64_t key);
  absl::Status Get(uint64_t key);

  absl::Status PersistentId();
  absl::Status Build();
  absl::Status Reduce();
  absl::Status Call(Function function, const std::vector<Id>& arguments);
  absl::Status MakeDict(const std::vector<Id>& arguments);
  absl::Status MakeSet(const std::vector<Id>& arguments);
  absl::Status MakeDevice(const std::vector<Id>& arguments);
  absl::Status Encode(const std::vector<Id>& arguments);
  absl::Status RebuildTensor(const std::vector<Id>& arguments);
  absl::Status RebuildParameter(const std::vector<Id>& arguments);
  absl::StatusOr<std::vector<int64_t>> Integers(Id tuple) const;

  bool Is(Id id, Object::Kind kind) const { return objects_[id].kind == kind; }

  const absl::string_view bytes_;
  const size_t begin_;
  size_t position_;
  size_t opcode_position_ = 0;
  size_t memory_ = 0;
  std::deque<Object> objects_;
  std::vector<Id> stack_;
  std::vector<size_t> marks_;  // Heights of the stack.
  std::unordered_map<uint64_t, Id> memo_;
};

absl::StatusOr<Id> Machine::Run() {
  while (true) {
    opcode_position_ = position_;
    ASSIGN_OR_RETURN(const uint64_t opcode, TakeInteger(1));
    if (opcode == kStop) break;
    RETURN_IF_ERROR(Step(static_cast<uint8_t>(opcode)));
  }
  if (stack_.size() != 1 || !marks_.empty()) {
    return Error("ends with ", stack_.size(), " objects instead of one");
  }
  return stack_[0];
}

absl::Status Machine::Step(uint8_t opcode) {
  switch (opcode) {
    case kProto: {
      ASSIGN_OR_RETURN(const uint64_t protocol, TakeInteger(1));
      if (protocol >= 2 && protocol <= 5) return absl::OkStatus();
      return Error("protocol ", protocol, " is not one of 2 to 5");
    }
    case kFrame:
      return TakeInteger(8).status();
    case kGlobal: {
      ASSIGN_OR_RETURN(const absl::string_view module, TakeLine());
      ASSIGN_OR_RETURN(const absl::string_view name, TakeLine());
      return PushNamed(module, name);
    }
    case kStackGlobal: {
      ASSIGN_OR_RETURN(const std::vector<Id> names, PopIds(2));
      if (!Is(names[0], Object::kString) || !Is(names[1], Object::kString)) {
        return Error("a name is not a string");
      }
      return PushNamed(objects_[names[0]].text, objects_[names[1]].text);
    }
    case kReduce:
    case kNewObject:  // The names are our own: a class is called as a function.
      return Reduce();
    case kBuild:
      return Build();
    case kBinPersId:
      return PersistentId();
    default:
      return StepConstant(opcode);
  }
}

absl::Status Machine::StepConstant(uint8_t opcode) {
  switch (opcode) {
    case kNone:
      return Push(Object());
    case kNewTrue:
    case kNewFalse: {
      Object object;
      object.kind = Object::kBool;
      object.integer = opcode == kNewTrue;
      return Push(std::move(object));
    }
    case kBinInt: {
      ASSIGN_OR_RETURN(const uint64_t value, TakeInteger(4));
      return PushInt(static_cast<int32_t>(static_cast<uint32_t>(value)));
    }
    case kBinInt1:
    case kBinInt2: {
      ASSIGN_OR_RETURN(const uint64_t value,
                       TakeInteger(opcode == kBinInt1 ? 1 : 2));
      return PushInt(static_cast<int64_t>(value));
    }
    case kLong1:
    case kLong4: {
      ASSIGN_OR_RETURN(const absl::string_view digits,
                       TakePrefixed(opcode == kLong1 ? 1 : 4));
      return PushInteger(digits);
    }
    case kBinFloat: {
      ASSIGN_OR_RETURN(const absl::string_view value, Take(8));
      Object object;
      object.kind = Object::kFloat;
      object.real = BigEndianDouble(value);
      return Push(std::move(object));
    }
    case kShortBinString:
    case kShortBinUnicode:
    case kShortBinBytes:
    case kBinString:
    case kBinUnicode:
    case kBinBytes:
    case kBinUnicode8:
    case kBinBytes8: {
      const bool is_short = opcode == kShortBinString ||
                            opcode == kShortBinUnicode ||
                            opcode == kShortBinBytes;
      const bool is_long = opcode == kBinUnicode8 || opcode == kBinBytes8;
      const bool is_bytes = opcode == kShortBinBytes || opcode == kBinBytes ||
                            opcode == kBinBytes8;
      ASSIGN_OR_RETURN(const absl::string_view text,
                       TakePrefixed(is_short  ? 1
                                    : is_long ? 8
                                              : 4));
      return PushText(is_bytes ? Object::kBytes : Object::kString, text);
    }
    default:
      return StepContainer(opcode);
  }
}

absl::Status Machine::StepContainer(uint8_t opcode) {
  switch (opcode) {
    case kEmptyList:
      return PushItems(Object::kList, {});
    case kEmptyTuple:
      return PushItems(Object::kTuple, {});
    case kEmptySet:
      return PushItems(Object::kSet, {});
    case kEmptyDict:
      return PushItems(Object::kDict, {});
    case kTuple1:
    case kTuple2:
    case kTuple3: {
      ASSIGN_OR_RETURN(std::vector<Id> items, PopIds(opcode - kTuple1 + 1));
      return PushItems(Object::kTuple, std::move(items));
    }
    case kTuple:
    case kList:
    case kDict:
    case kFrozenSet: {
      ASSIGN_OR_RETURN(std::vector<Id> items, PopToMark());
      const Object::Kind kind = opcode == kTuple  ? Object::kTuple
                                : opcode == kList ? Object::kList
                                : opcode == kDict ? Object::kDict
                                                  : Object::kSet;
      return PushItems(kind, std::move(items));
    }
    case kAppend:
    case kSetItem: {
      const bool is_list = opcode == kAppend;
      ASSIGN_OR_RETURN(std::vector<Id> items, PopIds(is_list ? 1 : 2));
      return Extend(is_list ? Object::kList : Object::kDict, std::move(items));
    }
    case kAppends:
    case kSetItems:
    case kAddItems: {
      ASSIGN_OR_RETURN(std::vector<Id> items, PopToMark());
      return Extend(opcode == kAppends    ? Object::kList
                    : opcode == kSetItems ? Object::kDict
                                          : Object::kSet,
                    std::move(items));
    }
    default:
      return StepMemo(opcode);
  }
}

absl::Status Machine::StepMemo(uint8_t opcode) {
  switch (opcode) {
    case kMark:
      marks_.push_back(stack_.size());
      return Charge(sizeof(size_t));
    case kPopMark:
      return PopToMark().status();
    case kPop:
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
        return absl::OkStatus();
      }
      return PopId().status();
    case kDup: {
      ASSIGN_OR_RETURN(const Id id, PopId());
      stack_.insert(stack_.end(), 2, id);
      return Charge(sizeof(Id));
    }
    case kMemoize:
      return Put(memo_.size());
    case kBinPut:
    case kLongBinPut: {
      ASSIGN_OR_RETURN(const uint64_t key,
                       TakeInteger(opcode == kBinPut ? 1 : 4));
      return Put(key);
    }
    case kBinGet:
    case kLongBinGet: {
      ASSIGN_OR_RETURN(const uint64_t key,
                       TakeInteger(opcode == kBinGet ? 1 : 4));
      return Get(key);
    }
    default:
      return Error("opcode ", absl::StrFormat("0x%02x", opcode),
                   " is unknown, or can do more than build plain data");
  }
}

absl::StatusOr<absl::string_view> Machine::Take(uint64_t size) {
  if (size > bytes_.size() - position_) {
    return Error("needs ", size, " more bytes, of which ",
                 bytes_.size() - position_,
                 " are there; the file is damaged "
                 "or incomplete");
  }
  const absl::string_view taken = bytes_.substr(position_, size);
  position_ += size;
  return taken;
}

absl::StatusOr<uint64_t> Machine::TakeInteger(size_t size) {
  ASSIGN_OR_RETURN(const absl::string_view bytes, Take(size));
  return LittleEndian(bytes);
}

absl::StatusOr<absl::string_view> Machine::TakePrefixed(size_t length_size) {
  ASSIGN_OR_RETURN(const uint64_t length, TakeInteger(length_size));
  return Take(length);
}

absl::StatusOr<absl::string_view> Machine::TakeLine() {
  const size_t end = bytes_.find('\n', position_);
  if (end == absl::string_view::npos) return Error("a line does not end");
  const absl::string_view line = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return line;
}

// Bytes that the stream may take as far as it has been read.
size_t Machine::max_memory() const {
  constexpr size_t kFree = 4096;  // For streams of a few bytes.
  const size_t length = position_ - begin_;
  return std::min(kMaxMemory, kMemoryFactor * length + kFree);
}

absl::Status Machine::Charge(size_t memory) {
  memory_ += memory;
  if (memory_ <= max_memory()) return absl::OkStatus();
  return Error(TooMuchMemory(memory_));
}

absl::Status Machine::Push(Object object) {
  RETURN_IF_ERROR(Charge(sizeof(Object) + sizeof(Id) + object.text.size() +
                         object.items.size() * sizeof(Id)));
  stack_.push_back(static_cast<Id>(objects_.size()));
  objects_.push_back(std::move(object));
  return absl::OkStatus();
}

absl::Status Machine::PushInt(int64_t value) {
  Object object;
  object.kind = Object::kInt;
  object.integer = value;
  return Push(std::move(object));
}

absl::Status Machine::PushText(Object::Kind kind, absl::string_view text) {
  Object object;
  object.kind = kind;
  object.text = std::string(text);
  return Push(std::move(object));
}

absl::Status Machine::PushInteger(absl::string_view little_endian) {
  // Two's complement of any length. Decimal digits take quadratic time.
  constexpr size_t kMaxBytes = 1024;
  if (little_endian.size() > kMaxBytes) {
    return Error("an integer of ", little_endian.size(), " bytes; at most ",
                 kMaxBytes, " are read");
  }
  if (FitsInt64(little_endian)) return PushInt(ToInt64(little_endian));
  return PushText(Object::kBigInt, ToDecimal(little_endian));
}

absl::Status Machine::PushItems(Object::Kind kind, std::vector<Id> items) {
  if (kind == Object::kDict && items.size() % 2 != 0) {
    return Error("a dict's last key has no value");
  }
  Object object;
  object.kind = kind;
  object.items = std::move(items);
  return Push(std::move(object));
}

absl::Status Machine::PushNamed(absl::string_view module,
                                absl::string_view name) {
  const std::string full_name = absl::StrCat(module, ".", name);
  for (const KnownName& known : kKnownNames) {
    if (full_name != known.name) continue;
    Object object;
    object.kind = known.kind;
    object.integer = known.value;
    object.text = full_name;
    return Push(std::move(object));
  }
  return Error("refers to ", Printable(full_name),
               ", which is not one of the names that tensors and plain data "
               "need; nothing was run (of a module, save its state_dict())");
}

absl::StatusOr<Id> Machine::PopId() {
  if (stack_.size() <= bottom()) return Error("takes from an empty stack");
  const Id id = stack_.back();
  stack_.pop_back();
  return id;
}

absl::StatusOr<std::vector<Id>> Machine::PopIds(size_t count) {
  if (stack_.size() < bottom() + count) {
    return Error("takes from an empty stack");
  }
  std::vector<Id> ids(stack_.end() - count, stack_.end());
  stack_.resize(stack_.size() - count);
  return ids;
}

absl::StatusOr<std::vector<Id>> Machine::PopToMark() {
  if (marks_.empty()) return Error("has no mark on the stack");
  const size_t count = stack_.size() - marks_.back();
  ASSIGN_OR_RETURN(std::vector<Id> ids, PopIds(count));
  marks_.pop_back();
  return ids;
}

absl::StatusOr<Object*> Machine::Top(Object::Kind kind) {
  if (stack_.size() <= bottom()) return Error("takes from an empty stack");
  Object* const object = &objects_[stack_.back()];
  if (object->kind != kind) {
    return Error("needs ", KindName(kind), ", finds ", KindName(object->kind));
  }
  return object;
}

absl::Status Machine::Extend(Object::Kind kind, std::vector<Id> items) {
  ASSIGN_OR_RETURN(Object* const container, Top(kind));
  if (kind == Object::kDict && items.size() % 2 != 0) {
    return Error("a dict's last key has no value");
  }
  container->items.insert(container->items.end(), items.begin(), items.end());
  return Charge(items.size() * sizeof(Id));
}

absl::Status Machine::Put(uint64_t key) {
  if (stack_.size() <= bottom()) return Error("takes from an empty stack");
  memo_[key] = stack_.back();
  return Charge(4 * sizeof(uint64_t));
}

absl::Status Machine::Get(uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) return Error("nothing is stored under ", key);
  stack_.push_back(found->second);
  return Charge(sizeof(Id));
}

// ("storage", type, key, location, size) and in legacy files a sixth element,
// for views of storages, which PyTorch 0.1 knew.
absl::Status Machine::PersistentId() {
  ASSIGN_OR_RETURN(const Id id, PopId());
  const std::vector<Id>& items = objects_[id].items;
  const bool is_storage =
      Is(id, Object::kTuple) && (items.size() == 5 || items.size() == 6) &&
      Is(items[0], Object::kString) && objects_[items[0]].text == "storage" &&
      Is(items[1], Object::kStorageType) && Is(items[2], Object::kString) &&
      Is(items[4], Object::kInt) &&
      (items.size() == 5 || Is(items[5], Object::kNone));
  if (!is_storage) return Error("refers to something other than a storage");
  const int64_t size = objects_[items[4]].integer;
  if (size < 0) return Error("a storage of ", size, " elements");
  auto view = std::make_shared<TensorView>();
  view->storage = objects_[items[2]].text;
  view->type = static_cast<ElementType>(objects_[items[1]].integer);
  view->storage_size = size;
  RETURN_IF_ERROR(Charge(sizeof(TensorView) + view->storage.size()));
  Object object;
  object.kind = Object::kStorage;
  object.view = std::move(view);
  return Push(std::move(object));
}

// Attributes of an ordered dict, such as a state dict's _metadata: left out.
absl::Status Machine::Build() {
  ASSIGN_OR_RETURN(const Id state, PopId());
  if (!Is(state, Object::kDict)) return Error("an object's state is no dict");
  return Top(Object::kDict).status();
}

absl::Status Machine::Reduce() {
  ASSIGN_OR_RETURN(const std::vector<Id> call, PopIds(2));
  const Object& function = objects_[call[0]];
  const Object& arguments = objects_[call[1]];
  if (function.kind != Object::kFunction || arguments.kind != Object::kTuple) {
    return Error("calls ", KindName(function.kind), " with ",
                 KindName(arguments.kind));
  }
  const absl::Status status =
      Call(static_cast<Function>(function.integer), arguments.items);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(status.message(), " (calling ", function.text, ")"));
}

absl::Status Machine::Call(Function function,
                           const std::vector<Id>& arguments) {
  switch (function) {
    case Function::kMakeDict:
      return MakeDict(arguments);
    case Function::kMakeSet:
      return MakeSet(arguments);
    case Function::kMakeBytes:
      if (!arguments.empty()) return Error("wrong arguments");
      return PushText(Object::kBytes, "");
    case Function::kEncode:
      return Encode(arguments);
    case Function::kMakeSize:
      if (arguments.size() != 1) return Error("wrong arguments");
      RETURN_IF_ERROR(Integers(arguments[0]).status());
      stack_.push_back(arguments[0]);
      return Charge(sizeof(Id));
    case Function::kMakeDevice:
      return MakeDevice(arguments);
    case Function::kRebuildTensor:
      return RebuildTensor(arguments);
    case Function::kRebuildParameter:
      return RebuildParameter(arguments);
  }
  return Error("wrong function");
}

// No argument, a dict, or a list of pairs.
absl::Status Machine::MakeDict(const std::vector<Id>& arguments) {
  if (arguments.empty()) return PushItems(Object::kDict, {});
  if (arguments.size() != 1) return Error("wrong arguments");
  const Object& source = objects_[arguments[0]];
  if (source.kind == Object::kDict) {
    RETURN_IF_ERROR(Charge(source.items.size() * sizeof(Id)));
    return PushItems(Object::kDict, source.items);
  }
  if (source.kind != Object::kList) return Error("wrong arguments");
  std::vector<Id> items;
  for (const Id id : source.items) {
    const Object& pair = objects_[id];
    const bool is_pair =
        (pair.kind == Object::kTuple || pair.kind == Object::kList) &&
        pair.items.size() == 2;
    if (!is_pair) return Error("wrong arguments");
    RETURN_IF_ERROR(Charge(2 * sizeof(Id)));
    items.insert(items.end(), pair.items.begin(), pair.items.end());
  }
  return PushItems(Object::kDict, std::move(items));
}

absl::Status Machine::MakeSet(const std::vector<Id>& arguments) {
  if (arguments.size() != 1 || !Is(arguments[0], Object::kList)) {
    return Error("wrong arguments");
  }
  const std::vector<Id>& items = objects_[arguments[0]].items;
  RETURN_IF_ERROR(Charge(items.size() * sizeof(Id)));
  return PushItems(Object::kSet, items);
}

absl::Status Machine::MakeDevice(const std::vector<Id>& arguments) {
  const bool has_index =
      arguments.size() == 2 && Is(arguments[1], Object::kInt);
  if ((arguments.size() != 1 && !has_index) ||
      !Is(arguments[0], Object::kString)) {
    return Error("wrong arguments");
  }
  std::string name = objects_[arguments[0]].text;
  if (has_index) absl::StrAppend(&name, ":", objects_[arguments[1]].integer);
  return PushText(Object::kSymbol, name);
}

// How protocol 2 writes bytes: _codecs.encode("text", "latin1").
absl::Status Machine::Encode(const std::vector<Id>& arguments) {
  const bool is_latin1 = arguments.size() == 2 &&
                         Is(arguments[0], Object::kString) &&
                         Is(arguments[1], Object::kString) &&
                         objects_[arguments[1]].text == "latin1";
  if (!is_latin1) return Error("wrong arguments");
  const std::string& text = objects_[arguments[0]].text;
  RETURN_IF_ERROR(Charge(text.size()));
  std::string bytes;
  if (!EncodeLatin1(text, &bytes)) return Error("the text is not Latin-1");
  return PushText(Object::kBytes, bytes);
}

// (storage, offset, shape, strides, requires_grad, hooks, ...); the oldest
// writers end at the strides.
absl::Status Machine::RebuildTensor(const std::vector<Id>& arguments) {
  if (arguments.size() < 4 || !Is(arguments[0], Object::kStorage) ||
      !Is(arguments[1], Object::kInt)) {
    return Error("wrong arguments");
  }
  auto view = std::make_shared<TensorView>(*objects_[arguments[0]].view);
  view->offset = objects_[arguments[1]].integer;
  ASSIGN_OR_RETURN(view->shape, Integers(arguments[2]));
  ASSIGN_OR_RETURN(view->strides, Integers(arguments[3]));
  view->requires_grad = arguments.size() > 4 &&
                        Is(arguments[4], Object::kBool) &&
                        objects_[arguments[4]].integer != 0;
  RETURN_IF_ERROR(Charge(sizeof(TensorView) + view->storage.size() +
                         2 * sizeof(int64_t) * view->shape.size()));
  Object object;
  object.kind = Object::kTensor;
  object.view = std::move(view);
  return Push(std::move(object));
}

// (tensor, requires_grad, hooks)
absl::Status Machine::RebuildParameter(const std::vector<Id>& arguments) {
  if (arguments.size() != 3 || !Is(arguments[0], Object::kTensor) ||
      !Is(arguments[1], Object::kBool)) {
    return Error("wrong arguments");
  }
  auto view = std::make_shared<TensorView>(*objects_[arguments[0]].view);
  view->requires_grad = objects_[arguments[1]].integer != 0;
  RETURN_IF_ERROR(Charge(sizeof(TensorView) + view->storage.size() +
                         2 * sizeof(int64_t) * view->shape.size()));
  Object object;
  object.kind = Object::kTensor;
  object.view = std::move(view);
  return Push(std::move(object));
}

absl::StatusOr<std::vector<int64_t>> Machine::Integers(Id tuple) const {
  const Object& object = objects_[tuple];
  if (object.kind != Object::kTuple && object.kind != Object::kList) {
    return Error("needs a tuple of integers, finds ", KindName(object.kind));
  }
  if (object.items.size() > kMaxDimensions) {
    return Error("has more than ", kMaxDimensions, " dimensions");
  }
  std::vector<int64_t> values;
  for (const Id id : object.items) {
    if (!Is(id, Object::kInt)) return Error("a size is not a 64-bit integer");
    values.push_back(objects_[id].integer);
  }
  return values;
}

// Makes the machine's objects a tree of Values. A container becomes one Value
// that its mentions share; a scalar is copied for each of its mentions, so each
// counts as memory of its own.
class Freezer {
 public:
  explicit Freezer(const Machine& machine)
      : objects_(machine.objects()),
        done_(objects_.size()),
        memory_(machine.memory() + objects_.size() * sizeof(Done)),
        max_memory_(machine.max_memory()) {}

  absl::StatusOr<Value> Freeze(Id id, int depth);

 private:
  // What became of a container: how deep it is, and the value to share.
  struct Done {
    enum State : uint8_t { kNew, kActive, kFinished };
    State state = kNew;
    int height = 0;
    Value value;
  };

  absl::Status Charge(size_t memory);
  absl::StatusOr<Value> FreezeScalar(const Object& object);
  absl::StatusOr<Value> FreezeItems(const Object& object, int depth);
  absl::StatusOr<Value> FreezeDict(const Object& object, int depth);

  const std::deque<Object>& objects_;
  std::vector<Done> done_;
  size_t memory_;  // Of the machine and of the Values made so far.
  const size_t max_memory_;
  int height_ = 0;  // Of what was frozen last.
};

absl::Status TreeError(absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("pickle: ", reason));
}

absl::Status Freezer::Charge(size_t memory) {
  memory_ += memory;
  if (memory_ <= max_memory_) return absl::OkStatus();
  return TreeError(TooMuchMemory(memory_));
}

absl::StatusOr<Value> Freezer::FreezeScalar(const Object& object) {
  RETURN_IF_ERROR(Charge(object.text.size()));
  switch (object.kind) {
    case Object::kNone:
      return Value{None()};
    case Object::kBool:
      return Value{object.integer != 0};
    case Object::kInt:
      return Value{object.integer};
    case Object::kBigInt:
      return Value{BigInteger{object.text}};
    case Object::kFloat:
      return Value{object.real};
    case Object::kString:
      return Value{object.text};
    case Object::kBytes:
      return Value{Bytes{object.text}};
    case Object::kTensor:
      return Value{object.view};
    case Object::kStorage:
      return TreeError("holds a storage that is no tensor's");
    default:
      return Value{Symbol{object.text}};
  }
}

absl::StatusOr<Value> Freezer::Freeze(Id id, int depth) {
  const Object& object = objects_[id];
  height_ = 0;
  RETURN_IF_ERROR(Charge(sizeof(Value)));
  if (object.kind < Object::kTuple) return FreezeScalar(object);
  Done& done = done_[id];
  if (done.state == Done::kActive) {
    return TreeError(absl::StrCat(KindName(object.kind), " contains itself"));
  }
  if (depth + done.height >= kMaxValueDepth) {
    return TreeError(
        absl::StrCat("is nested more than ", kMaxValueDepth, " deep"));
  }
  if (done.state == Done::kNew) {
    done.state = Done::kActive;
    ASSIGN_OR_RETURN(done.value, object.kind == Object::kDict
                                     ? FreezeDict(object, depth)
                                     : FreezeItems(object, depth));
    done.height = height_ + 1;
    done.state = Done::kFinished;
  }
  height_ = done.height;
  return done.value;
}

absl::StatusOr<Value> Freezer::FreezeItems(const Object& object, int depth) {
  auto sequence = std::make_shared<Sequence>();
  sequence->kind = object.kind == Object::kTuple  ? Sequence::kTuple
                   : object.kind == Object::kList ? Sequence::kList
                                                  : Sequence::kSet;
  RETURN_IF_ERROR(Charge(sizeof(Sequence)));
  int height = 0;
  for (const Id id : object.items) {
    ASSIGN_OR_RETURN(Value item, Freeze(id, depth + 1));
    height = std::max(height, height_);
    sequence->items.push_back(std::move(item));
  }
  height_ = height;
  return Value{std::shared_ptr<const Sequence>(std::move(sequence))};
}

absl::StatusOr<Value> Freezer::FreezeDict(const Object& object, int depth) {
  auto dict = std::make_shared<Dict>();
  std::set<std::pair<Object::Kind, std::string>> keys;
  int height = 0;
  for (size_t i = 0; i < object.items.size(); i += 2) {
    const Object::Kind kind = objects_[object.items[i]].kind;
    ASSIGN_OR_RETURN(Value key, Freeze(object.items[i], depth + 1));
    height = std::max(height, height_);
    if (kind > Object::kTuple || kind == Object::kTensor) {
      return TreeError(absl::StrCat(KindName(kind), " is a key of a dict"));
    }
    // The set of keys holds each of them once more.
    RETURN_IF_ERROR(
        Charge(sizeof(Value) + objects_[object.items[i]].text.size()));
    // Tuples as keys occur nowhere near tensors; they may repeat.
    if (kind != Object::kTuple && !keys.emplace(kind, ScalarText(key)).second) {
      return TreeError(absl::StrCat("a dict has the key \"",
                                    Printable(ScalarText(key)), "\" twice"));
    }
    ASSIGN_OR_RETURN(Value value, Freeze(object.items[i + 1], depth + 1));
    height = std::max(height, height_);
    dict->items.emplace_back(std::move(key), std::move(value));
  }
  height_ = height;
  return Value{std::shared_ptr<const Dict>(std::move(dict))};
}

}  // namespace

absl::StatusOr<Value> Unpickle(absl::string_view bytes, size_t* position) {
  Machine machine(bytes, *position);
  ASSIGN_OR_RETURN(const Id result, machine.Run());
  *position = machine.position();
  return Freezer(machine).Freeze(result, /*depth=*/0);
}

}  // namespace networks::weights
