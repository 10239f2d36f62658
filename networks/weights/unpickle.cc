#include "networks/weights/unpickle.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/weights/pickle_machine.h"
#include "networks/weights/pickle_object.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

using pickle::Id;
using pickle::KindName;
using pickle::Machine;
using pickle::Object;
using pickle::Printable;
using pickle::TooMuchMemory;

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
