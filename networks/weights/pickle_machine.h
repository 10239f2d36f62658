// The stack machine that runs a pickle (networks/weights/unpickle.h): opcodes
// of protocols 2 to 4, and the functions of networks/weights/pickle_names.h.
#ifndef NETWORKS_WEIGHTS_PICKLE_MACHINE_H_
#define NETWORKS_WEIGHTS_PICKLE_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/weights/pickle_names.h"
#include "networks/weights/pickle_object.h"
#include "networks/weights/value.h"

namespace networks::weights::pickle {

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

  // In pickle_calls.cc.
  absl::Status Reduce();
  absl::Status Call(Function function, const std::vector<Id>& arguments);
  absl::Status MakeDict(const std::vector<Id>& arguments);
  absl::Status MakeSet(const std::vector<Id>& arguments);
  absl::Status MakeDevice(const std::vector<Id>& arguments);
  absl::Status Encode(const std::vector<Id>& arguments);
  absl::Status CheckMetadata(const Object& metadata) const;
  absl::Status RebuildTensor(const std::vector<Id>& arguments);
  absl::Status RebuildParameter(const std::vector<Id>& arguments);
  absl::Status PushTensor(std::shared_ptr<const TensorView> view);
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

// Why a stream that needs so many bytes is refused.
std::string TooMuchMemory(size_t memory);

// Bytes of a file as an error may show them.
std::string Printable(absl::string_view text);

}  // namespace networks::weights::pickle

#endif  // NETWORKS_WEIGHTS_PICKLE_MACHINE_H_
