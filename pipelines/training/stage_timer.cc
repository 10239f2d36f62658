#include "pipelines/training/stage_timer.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace pipelines {

void StageTimer::Begin(const char* stage) {
  End();
  auto found = std::find_if(stages_.begin(), stages_.end(),
                            [stage](auto& s) { return s.name == stage; });
  if (found == stages_.end()) {
    found = stages_.insert(stages_.end(), {stage, 0});
  }
  current_ = static_cast<int>(found - stages_.begin());
  start_ = Clock::now();
}

void StageTimer::End() {
  if (current_ < 0) return;
  if (synchronize_ != nullptr) synchronize_();
  stages_[current_].seconds +=
      std::chrono::duration<double>(Clock::now() - start_).count();
  current_ = -1;
}

double StageTimer::Seconds(const std::string& stage) const {
  for (const Stage& s : stages_) {
    if (s.name == stage) return s.seconds;
  }
  return 0;
}

std::string StageTimer::Table(int rounds) const {
  double total = 0;
  for (const Stage& stage : stages_) total += stage.seconds;
  std::string table;
  const auto line = [&](const std::string& name, double seconds) {
    table += absl::StrFormat("  %-18s %9.2f ms  %5.1f %%\n", name,
                             1e3 * seconds / std::max(rounds, 1),
                             100 * seconds / std::max(total, 1e-12));
  };
  for (const Stage& stage : stages_) line(stage.name, stage.seconds);
  line("all", total);
  return table;
}

}  // namespace pipelines
