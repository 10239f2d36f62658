// Tested by unpickle_test.cc.
#include "networks/weights/pickle_machine.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "networks/weights/big_integer.h"
#include "networks/weights/unpickle.h"
#include "networks/weights/value.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights::pickle {
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

}  // namespace

std::string Printable(absl::string_view text) {
  return absl::CHexEscape(text.substr(0, 200));
}

std::string TooMuchMemory(size_t memory) {
  return absl::StrCat("takes ", memory,
                      " bytes of memory, far more than such a stream should");
}
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
  if (const KnownName* const known = FindName(full_name)) {
    Object object;
    object.kind = known->kind;
    object.integer = known->value;
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

}  // namespace networks::weights::pickle
