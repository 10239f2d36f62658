// The functions that a pickle may call, as members of the machine.
// Tested by unpickle_test.cc.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/weights/pickle_machine.h"
#include "networks/weights/pickle_names.h"
#include "networks/weights/pickle_object.h"
#include "networks/weights/value.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights::pickle {
namespace {

// LibTorch's limit; also keeps a hostile shape from taking memory.
constexpr size_t kMaxDimensions = 64;

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

}  // namespace

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

// A tensor's 7th argument: flags of PyTorch 2's, by name. With these two it is
// a view that negates or conjugates what the storage has.
absl::Status Machine::CheckMetadata(const Object& metadata) const {
  if (metadata.kind != Object::kDict) return absl::OkStatus();
  for (size_t i = 0; i + 1 < metadata.items.size(); i += 2) {
    const std::string& flag = objects_[metadata.items[i]].text;
    const Object& value = objects_[metadata.items[i + 1]];
    const bool is_set = value.kind == Object::kBool && value.integer != 0;
    if (is_set && (flag == "conj" || flag == "neg")) {
      return Error("the tensor is a ", flag, " view; save it in Python as ",
                   "tensor.resolve_conj().resolve_neg()");
    }
  }
  return absl::OkStatus();
}

// (storage, offset, shape, strides, requires_grad, hooks, metadata); the oldest
// writers end at the strides.
absl::Status Machine::RebuildTensor(const std::vector<Id>& arguments) {
  if (arguments.size() < 4 || !Is(arguments[0], Object::kStorage) ||
      !Is(arguments[1], Object::kInt)) {
    return Error("wrong arguments");
  }
  if (arguments.size() > 6) {
    RETURN_IF_ERROR(CheckMetadata(objects_[arguments[6]]));
  }
  auto view = std::make_shared<TensorView>(*objects_[arguments[0]].view);
  view->offset = objects_[arguments[1]].integer;
  ASSIGN_OR_RETURN(view->shape, Integers(arguments[2]));
  ASSIGN_OR_RETURN(view->strides, Integers(arguments[3]));
  return PushTensor(std::move(view));
}

// (tensor, requires_grad, hooks): the tensor. Whether it has gradients is up to
// the module that takes it.
absl::Status Machine::RebuildParameter(const std::vector<Id>& arguments) {
  if (arguments.size() != 3 || !Is(arguments[0], Object::kTensor) ||
      !Is(arguments[1], Object::kBool)) {
    return Error("wrong arguments");
  }
  stack_.push_back(arguments[0]);
  return Charge(sizeof(Id));
}

absl::Status Machine::PushTensor(std::shared_ptr<const TensorView> view) {
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

}  // namespace networks::weights::pickle
