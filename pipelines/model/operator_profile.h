// Where the processor time of a computation goes: by LibTorch's operators, the
// kernels of networks/cpu, and the sizes that they work on.
#ifndef PIPELINES_MODEL_OPERATOR_PROFILE_H_
#define PIPELINES_MODEL_OPERATOR_PROFILE_H_

#include <ATen/record_function.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pipelines {

// Observes the operators that this thread calls, from its construction to its
// end; one at a time. Costs a microsecond or two an operator.
class OperatorProfile {
 public:
  struct Entry {
    // Of all threads, in this operator and not in those that it calls.
    double seconds = 0;
    int64_t calls = 0;
    double operations = 0;  // as far as the operator says, see networks/cpu
  };

  OperatorProfile();
  ~OperatorProfile();
  OperatorProfile(const OperatorProfile&) = delete;
  OperatorProfile& operator=(const OperatorProfile&) = delete;

  // What is observed from now on belongs to `stage`, which ends the one before.
  void BeginStage(const std::string& stage);

  // "stage, operator, size of the first tensor", of all that was observed.
  const std::map<std::string, Entry>& by_size() const { return by_size_; }
  // "stage, operator".
  std::map<std::string, Entry> by_operator() const;
  // "stage".
  std::map<std::string, Entry> by_stage() const;

  // The `most` longest of `entries`, a line each: milliseconds and calls in one
  // of `repetitions`, share of the whole, and billions of operations a second.
  static std::string Table(const std::map<std::string, Entry>& entries,
                           int64_t repetitions, size_t most);

 private:
  struct Frame {
    std::string name;
    double begin;
    double in_children;
    double operations;
  };
  friend struct OperatorObserver;

  void Enter(const at::RecordFunction& function);
  void Leave();
  // Between operators, a stage's own time.
  void CloseStage();

  at::CallbackHandle handle_;
  std::string stage_ = "start";
  double stage_begin_ = 0, stage_in_operators_ = 0;
  std::vector<Frame> open_;
  std::map<std::string, Entry> by_size_;
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_OPERATOR_PROFILE_H_
