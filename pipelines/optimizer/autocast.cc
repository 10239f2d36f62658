#include "pipelines/optimizer/autocast.h"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace pipelines {
namespace {

#if TORCH_VERSION_MAJOR > 2 || \
    (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)

bool IsOn(c10::Device device) {
  return at::autocast::is_autocast_enabled(device.type());
}

void Set(c10::Device device, bool on) {
  at::autocast::set_autocast_enabled(device.type(), on);
  at::autocast::set_autocast_dtype(device.type(), at::kBFloat16);
}

#else

bool IsOn(c10::Device device) {
  return device.is_cuda() ? at::autocast::is_enabled()
                          : at::autocast::is_cpu_enabled();
}

void Set(c10::Device device, bool on) {
  if (device.is_cuda()) {
    at::autocast::set_enabled(on);
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
  } else {
    at::autocast::set_cpu_enabled(on);
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  }
}

#endif

}  // namespace

AutocastScope::AutocastScope(TrainingConfig::Precision precision,
                             c10::Device device)
    : device_(device), was_on_(IsOn(device)) {
  Set(device_, precision == TrainingConfig::BFLOAT16);
}

AutocastScope::~AutocastScope() {
  Set(device_, was_on_);
  // The weights' copies are of this step.
  if (!was_on_) at::autocast::clear_cache();
}

}  // namespace pipelines
