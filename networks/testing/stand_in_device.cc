#include "networks/testing/stand_in_device.h"

#include <ATen/EmptyTensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>
#include <torch/types.h>

#include <array>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

#include "third_party/libtorch/host_allocator.h"

namespace networks::test_util {
namespace {

using at::IntArrayRef;
using at::Tensor;

constexpr c10::DeviceType kType = c10::DeviceType::XPU;

// --- Where the host waits

struct Waits {
  std::mutex mutex;
  std::vector<std::string> operators;
};

Waits& AllWaits() {
  static Waits waits;
  return waits;
}

// Copies of the fallback itself are no waits.
thread_local int inside_fallback = 0;

struct InsideFallback {
  InsideFallback() { ++inside_fallback; }
  ~InsideFallback() { --inside_fallback; }
};

void Wait(const std::string& name) {
  if (inside_fallback > 0) return;
  Waits& waits = AllWaits();
  const std::lock_guard<std::mutex> lock(waits.mutex);
  waits.operators.push_back(name);
}

// --- Memory

// The same memory as a tensor of the CPU's.
Tensor OnCpu(const Tensor& x) {
  if (!x.defined() || x.is_cpu()) return x;
  return at::from_blob(x.data_ptr(), x.sizes(), x.strides(),
                       at::TensorOptions(at::kCPU).dtype(x.dtype()));
}

// Memory of the CPU's allocator by the name of the device.
class StandInAllocator final : public libtorch::HostAllocator {
 private:
  c10::DataPtr NewMemory(size_t size) const override {
    c10::DataPtr memory = c10::GetCPUAllocator()->allocate(size);
    memory.unsafe_set_device(StandInDevice());
    return memory;
  }
};

StandInAllocator* TheAllocator() {
  static StandInAllocator allocator;
  return &allocator;
}

Tensor Empty(IntArrayRef size, c10::optional<at::ScalarType> dtype,
             c10::optional<at::Layout> /*layout*/,
             c10::optional<at::Device> /*device*/,
             c10::optional<bool> /*pin_memory*/,
             c10::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, TheAllocator(),
                                   c10::DispatchKeySet(c10::DispatchKey::XPU),
                                   c10::dtype_or_default(dtype), format);
}

Tensor EmptyStrided(IntArrayRef size, IntArrayRef stride,
                    c10::optional<at::ScalarType> dtype,
                    c10::optional<at::Layout> /*layout*/,
                    c10::optional<at::Device> /*device*/,
                    c10::optional<bool> /*pin_memory*/) {
  return at::detail::empty_strided_generic(
      size, stride, TheAllocator(), c10::DispatchKeySet(c10::DispatchKey::XPU),
      c10::dtype_or_default(dtype));
}

// --- Copies

Tensor CopyFrom(const Tensor& from, const Tensor& to, bool non_blocking) {
  if (to.is_cpu()) {
    Wait("copy to the CPU");
  } else if (from.is_cpu() && !non_blocking) {
    Wait("copy from the CPU");
  }
  OnCpu(to).copy_(OnCpu(from));
  return to;
}

// What copy_ is for this device. Since LibTorch 2.4 copy_ takes XPU for a
// device that it knows, looks for kernels that are not there, and never asks
// _copy_from.
Tensor& Copy(Tensor& to, const Tensor& from, bool non_blocking) {
  CopyFrom(from, to, non_blocking);
  return to;
}

Tensor CopyFromAndResize(const Tensor& from, const Tensor& to) {
  if (from.sizes() != to.sizes()) {
    const Tensor fresh = Empty(from.sizes(), to.scalar_type(), {}, {}, {}, {});
    to.unsafeGetTensorImpl()->set_storage_keep_dtype(fresh.storage());
    to.unsafeGetTensorImpl()->set_storage_offset(0);
    to.unsafeGetTensorImpl()->set_sizes_contiguous(from.sizes());
  }
  return CopyFrom(from, to, false);
}

at::Scalar Item(const Tensor& x) {
  Wait("item");
  return OnCpu(x).item();
}

// --- Operators

void RequireStandIn(const Tensor& x, const std::string& name) {
  // Numbers are tensors without dimensions, on whatever device.
  TORCH_CHECK(!x.defined() || x.dim() == 0 || x.device().type() == kType, name,
              ": a tensor of shape ", x.sizes(), " is on ", x.device(),
              ", another one on the stand-in device");
}

void RequireStandIn(const c10::IValue& value, const std::string& name) {
  if (value.isTensor()) {
    RequireStandIn(value.toTensor(), name);
  } else if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) {
      RequireStandIn(item, name);
    }
  }
}

// Of the arguments of `op`: lists of indices, which cpu_fallback does not know.
void MoveIndicesToCpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const size_t count = op.schema().arguments().size();
  for (size_t i = stack->size() - count; i < stack->size(); ++i) {
    c10::IValue& value = (*stack)[i];
    if (!value.isOptionalTensorList()) continue;
    c10::List<c10::optional<Tensor>> indices;
    for (const c10::optional<Tensor> index : value.toOptionalTensorList()) {
      const bool given = index.has_value() && index->defined();
      indices.push_back(given ? c10::optional<Tensor>(index->cpu()) : index);
    }
    value = indices;
  }
}

void Fallback(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  static const std::set<std::string> waiting = {
      "aten::equal", "aten::masked_select", "aten::nonzero", "aten::_unique2"};
  const std::string& name = op.schema().name();
  for (const c10::IValue& value :
       torch::jit::last(*stack, op.schema().arguments().size())) {
    RequireStandIn(value, name);
  }
  if (waiting.count(name) > 0) Wait(name);
  const InsideFallback inside;
  MoveIndicesToCpu(op, stack);
  at::native::cpu_fallback(op, stack);
}

// LibTorch asks each device for its own convolutions.
Tensor Convolution(const Tensor& x, const Tensor& weight,
                   const c10::optional<Tensor>& bias, IntArrayRef stride,
                   IntArrayRef padding, IntArrayRef dilation, bool transposed,
                   IntArrayRef output_padding, int64_t groups) {
  for (const Tensor& tensor : {x, weight, bias.value_or(Tensor())}) {
    RequireStandIn(tensor, "convolution");
  }
  const InsideFallback inside;
  return at::convolution(OnCpu(x), OnCpu(weight),
                         OnCpu(bias.value_or(Tensor())), stride, padding,
                         dilation, transposed, output_padding, groups)
      .to(StandInDevice());
}

std::tuple<Tensor, Tensor, Tensor> ConvolutionBackward(
    const Tensor& gradient, const Tensor& x, const Tensor& weight,
    IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
    bool transposed, IntArrayRef output_padding, int64_t groups,
    std::array<bool, 3> mask) {
  for (const Tensor& tensor : {gradient, x, weight}) {
    RequireStandIn(tensor, "convolution_backward");
  }
  const InsideFallback inside;
  const int64_t biases = transposed ? weight.size(1) * groups : weight.size(0);
  const auto [of_x, of_weight, of_bias] = at::convolution_backward(
      OnCpu(gradient), OnCpu(x), OnCpu(weight), IntArrayRef(biases), stride,
      padding, dilation, transposed, output_padding, groups, mask);
  const auto back = [](const Tensor& t) {
    return t.defined() ? t.to(StandInDevice()) : t;
  };
  return {back(of_x), back(of_weight), back(of_bias)};
}

// --- What LibTorch knows of the device: that there is one, without streams

struct StandInGuard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
  c10::Device getDevice() const override { return StandInDevice(); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, StandInDevice());
  }
  c10::Stream exchangeStream(c10::Stream) const noexcept override {
    return getStream(StandInDevice());
  }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
};
C10_REGISTER_GUARD_IMPL(XPU, StandInGuard)

TORCH_LIBRARY_IMPL(_, XPU, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&Fallback>());
}

TORCH_LIBRARY_IMPL(aten, XPU, library) {
  library.impl("empty.memory_format", &Empty);
  library.impl("empty_strided", &EmptyStrided);
  library.impl("copy_", &Copy);
  library.impl("_copy_from", &CopyFrom);
  library.impl("_copy_from_and_resize", &CopyFromAndResize);
  library.impl("_local_scalar_dense", &Item);
  library.impl("as_strided", &at::native::as_strided_tensorimpl);
  library.impl("view", &at::native::view);
  library.impl("_reshape_alias", &at::native::_reshape_alias);
  library.impl("unfold", &at::native::unfold);
  library.impl("convolution_overrideable", &Convolution);
  library.impl("convolution_backward_overrideable", &ConvolutionBackward);
}

}  // namespace

torch::Device StandInDevice() { return {kType, 0}; }

std::string WhyNoGradientsOnStandIn() {
  return at::detail::getCUDAHooks().compiledWithCuDNN()
             ? "this LibTorch has CUDA, whose streams its autograd asks for on "
               "the stand-in device, too"
             : "";
}

std::vector<std::string> TakeWaits() {
  Waits& waits = AllWaits();
  const std::lock_guard<std::mutex> lock(waits.mutex);
  return std::exchange(waits.operators, {});
}

}  // namespace networks::test_util
