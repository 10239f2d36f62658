// Autocast by device, in the words of LibTorch 2.4 and later, which deprecate
// those of 1.13: the one place that knows both.
#ifndef THIRD_PARTY_LIBTORCH_AUTOCAST_STATE_H_
#define THIRD_PARTY_LIBTORCH_AUTOCAST_STATE_H_

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace libtorch {

#if TORCH_VERSION_MAJOR > 2 || \
    (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)

// Whether operators on `device` run under autocast in this thread.
inline bool IsAutocastOn(c10::DeviceType device) {
  return at::autocast::is_autocast_enabled(device);
}

// The dtype that autocast computes in on `device`, where it is on.
inline at::ScalarType AutocastDtype(c10::DeviceType device) {
  return at::autocast::get_autocast_dtype(device);
}

// From here on, in this thread, operators on `device` compute in `dtype` where
// autocast's lists allow it, or as their inputs are if not `on`.
inline void SetAutocast(c10::DeviceType device, bool on,
                        at::ScalarType dtype = at::kBFloat16) {
  at::autocast::set_autocast_enabled(device, on);
  at::autocast::set_autocast_dtype(device, dtype);
}

#else

inline bool IsAutocastOn(c10::DeviceType device) {
  if (device == c10::kCUDA) return at::autocast::is_enabled();
  return device == c10::kCPU && at::autocast::is_cpu_enabled();
}

inline at::ScalarType AutocastDtype(c10::DeviceType device) {
  return device == c10::kCUDA ? at::autocast::get_autocast_gpu_dtype()
                              : at::autocast::get_autocast_cpu_dtype();
}

inline void SetAutocast(c10::DeviceType device, bool on,
                        at::ScalarType dtype = at::kBFloat16) {
  if (device == c10::kCUDA) {
    at::autocast::set_enabled(on);
    at::autocast::set_autocast_gpu_dtype(dtype);
  } else if (device == c10::kCPU) {
    at::autocast::set_cpu_enabled(on);
    at::autocast::set_autocast_cpu_dtype(dtype);
  }
}

#endif

// Autocast on one device, as it is in a thread or is to be there.
struct AutocastState {
  c10::DeviceType device;
  bool is_on;
  at::ScalarType dtype;
};

inline AutocastState CurrentAutocast(c10::DeviceType device) {
  return {device, IsAutocastOn(device), AutocastDtype(device)};
}

// While it lives, autocast in this thread is as `wanted`. Where it was off
// before, the copies of weights that it made end with it.
class AutocastScope {
 public:
  explicit AutocastScope(const AutocastState& wanted)
      : before_(CurrentAutocast(wanted.device)) {
    SetAutocast(wanted.device, wanted.is_on, wanted.dtype);
  }
  ~AutocastScope() {
    SetAutocast(before_.device, before_.is_on, before_.dtype);
    if (!before_.is_on) at::autocast::clear_cache();
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  const AutocastState before_;
};

}  // namespace libtorch

#endif  // THIRD_PARTY_LIBTORCH_AUTOCAST_STATE_H_
