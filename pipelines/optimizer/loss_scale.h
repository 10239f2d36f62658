// The factor by which a loss is multiplied before a backward pass in float16,
// so that small gradients are not rounded to zero: as torch.amp.GradScaler.
#ifndef PIPELINES_OPTIMIZER_LOSS_SCALE_H_
#define PIPELINES_OPTIMIZER_LOSS_SCALE_H_

#include <cstdint>

namespace pipelines {

// A power of two, so that scaling rounds nothing but what leaves float16's
// range. It is halved after gradients that are not finite, with which no weight
// is changed, and doubled after 2000 steps with others.
class LossScale {
 public:
  static constexpr double kFirst = 65536;
  // Below it, it is not the scale that keeps gradients from being finite.
  static constexpr double kLeast = 1.0 / 1024;
  static constexpr int64_t kStepsToGrow = 2000;

  LossScale() = default;
  LossScale(double value, int64_t steps) : value_(value), steps_(steps) {}

  double value() const { return value_; }
  // Steps taken since it changed.
  int64_t steps() const { return steps_; }

  // After a step with gradients that were `finite`, or not.
  void Update(bool finite);

 private:
  double value_ = kFirst;
  int64_t steps_ = 0;
};

}  // namespace pipelines

#endif  // PIPELINES_OPTIMIZER_LOSS_SCALE_H_
