#include "cpab/torch/device_constants.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <iterator>
#include <map>
#include <mutex>
#include <tuple>

namespace cpab {
namespace {

struct Constant {
  std::weak_ptr<const void> owner;
  torch::Tensor tensor;
};

using Key = std::tuple<const double*, c10::DeviceType, c10::DeviceIndex>;

struct Constants {
  std::mutex mutex;
  std::map<Key, Constant> kept;

  void ForgetThoseWithoutOwner() {
    for (auto it = kept.begin(); it != kept.end();) {
      it = it->second.owner.expired() ? kept.erase(it) : std::next(it);
    }
  }
};

// Never destroyed: at the program's end the devices may be gone already.
Constants& AllConstants() {
  static auto* const constants = new Constants;
  return *constants;
}

// The caller's stream may use it when its owner is gone: its memory is not
// given to others before that stream has come here.
torch::Tensor ForThisStream(torch::Tensor tensor) {
  const torch::Device device = tensor.device();
  if (device.is_cuda()) {
    tensor.record_stream(
        c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  }
  return tensor;
}

}  // namespace

torch::Tensor OnDevice(const std::shared_ptr<const void>& owner,
                       const double* values, int64_t rows, int64_t columns,
                       torch::Device device) {
  Constants& constants = AllConstants();
  const std::lock_guard<std::mutex> lock(constants.mutex);
  const Key key = {values, device.type(), device.index()};
  const auto found = constants.kept.find(key);
  if (found != constants.kept.end() && !found->second.owner.expired()) {
    return ForThisStream(found->second.tensor);
  }
  constants.ForgetThoseWithoutOwner();
  // Kept for calls with and without autograd alike.
  const torch::NoGradGuard no_grad;
  const torch::Tensor tensor =
      torch::from_blob(const_cast<double*>(values), {rows, columns},
                       torch::kFloat64)
          .clone()
          .to(device);
  constants.kept[key] = {owner, tensor};
  return ForThisStream(tensor);
}

int64_t NumDeviceConstants() {
  Constants& constants = AllConstants();
  const std::lock_guard<std::mutex> lock(constants.mutex);
  constants.ForgetThoseWithoutOwner();
  return static_cast<int64_t>(constants.kept.size());
}

}  // namespace cpab
