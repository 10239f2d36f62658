#include "pipelines/model/operator_profile.h"

#include <ATen/core/Tensor.h>
#include <time.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace pipelines {
namespace {

constexpr const char* kSeparator = ", ";

thread_local OperatorProfile* current = nullptr;

double ProcessorSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * now.tv_nsec;
}

// "1x64x256x256 bfloat16", or nothing of an operator without tensors.
std::string SizeOfFirstTensor(const at::RecordFunction& function) {
  for (const c10::IValue& value : function.inputs()) {
    if (!value.isTensor() || !value.toTensor().defined()) continue;
    const at::Tensor& tensor = value.toTensor();
    const char* type = tensor.scalar_type() == at::kBFloat16 ? " bfloat16" : "";
    return absl::StrCat(absl::StrJoin(tensor.sizes(), "x"), type);
  }
  return "";
}

// The kernels of networks/cpu say their operations as a number after the
// tensor.
double OperationsOf(const at::RecordFunction& function) {
  if (function.scope() != at::RecordScope::USER_SCOPE ||
      function.inputs().size() < 2 || !function.inputs()[1].isInt()) {
    return 0;
  }
  return static_cast<double>(function.inputs()[1].toInt());
}

std::map<std::string, OperatorProfile::Entry> Shortened(
    const std::map<std::string, OperatorProfile::Entry>& entries, int parts) {
  std::map<std::string, OperatorProfile::Entry> shortened;
  for (const auto& [name, entry] : entries) {
    size_t end = 0;
    for (int i = 0; i < parts && end != std::string::npos; ++i) {
      end = name.find(kSeparator, i == 0 ? 0 : end + 1);
    }
    OperatorProfile::Entry& sum = shortened[name.substr(0, end)];
    sum.seconds += entry.seconds;
    sum.calls += entry.calls;
    sum.operations += entry.operations;
  }
  return shortened;
}

}  // namespace

// What LibTorch calls.
struct OperatorObserver {
  static std::unique_ptr<at::ObserverContext> Begin(
      const at::RecordFunction& function) {
    if (current != nullptr) current->Enter(function);
    return nullptr;
  }
  static void End(const at::RecordFunction&, at::ObserverContext*) {
    if (current != nullptr) current->Leave();
  }
};

OperatorProfile::OperatorProfile()
    : handle_(at::addThreadLocalCallback(
          at::RecordFunctionCallback(OperatorObserver::Begin,
                                     OperatorObserver::End)
              .needsInputs(true)
              .scopes(
                  {at::RecordScope::FUNCTION, at::RecordScope::USER_SCOPE}))) {
  current = this;
  stage_begin_ = ProcessorSeconds();
}

OperatorProfile::~OperatorProfile() {
  current = nullptr;
  at::removeCallback(handle_);
}

void OperatorProfile::BeginStage(const std::string& stage) {
  CloseStage();
  stage_ = stage;
}

void OperatorProfile::CloseStage() {
  const double now = ProcessorSeconds();
  Entry& own = by_size_[absl::StrCat(stage_, kSeparator, "between operators")];
  own.seconds += now - stage_begin_ - stage_in_operators_;
  ++own.calls;
  stage_begin_ = now;
  stage_in_operators_ = 0;
}

void OperatorProfile::Enter(const at::RecordFunction& function) {
  open_.push_back({absl::StrCat(stage_, kSeparator, function.name(), kSeparator,
                                SizeOfFirstTensor(function)),
                   0, 0, OperationsOf(function)});
  open_.back().begin = ProcessorSeconds();
}

void OperatorProfile::Leave() {
  if (open_.empty()) return;
  const Frame frame = std::move(open_.back());
  open_.pop_back();
  const double whole = ProcessorSeconds() - frame.begin;
  Entry& entry = by_size_[frame.name];
  entry.seconds += whole - frame.in_children;
  entry.operations += frame.operations;
  ++entry.calls;
  (open_.empty() ? stage_in_operators_ : open_.back().in_children) += whole;
}

std::map<std::string, OperatorProfile::Entry> OperatorProfile::by_operator()
    const {
  return Shortened(by_size_, 2);
}

std::map<std::string, OperatorProfile::Entry> OperatorProfile::by_stage()
    const {
  return Shortened(by_size_, 1);
}

std::string OperatorProfile::Table(const std::map<std::string, Entry>& entries,
                                   int64_t repetitions, size_t most) {
  std::vector<std::pair<std::string, Entry>> sorted(entries.begin(),
                                                    entries.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.seconds > b.second.seconds;
  });
  double sum = 0;
  for (const auto& item : sorted) sum += item.second.seconds;
  std::string table = "      ms  share   calls  Gop/s\n";
  for (size_t i = 0; i < std::min(most, sorted.size()); ++i) {
    const auto& [name, entry] = sorted[i];
    absl::StrAppendFormat(
        &table, "%8.2f %5.1f%% %7.1f %6s  %s\n",
        1e3 * entry.seconds / repetitions, 100 * entry.seconds / sum,
        static_cast<double>(entry.calls) / repetitions,
        entry.operations == 0
            ? ""
            : absl::StrFormat("%.0f", 1e-9 * entry.operations / entry.seconds),
        name);
  }
  return table;
}

}  // namespace pipelines
