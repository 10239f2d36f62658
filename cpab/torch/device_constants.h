// Matrices that belong to a basis or a fitter, on the devices that use them:
// copied once, so that no call waits for a copy.
//
// Private to //cpab/torch.
#ifndef CPAB_TORCH_DEVICE_CONSTANTS_H_
#define CPAB_TORCH_DEVICE_CONSTANTS_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>

namespace cpab {

// The row-major [rows, columns] float64 matrix `values`, a part of `owner`, as
// a tensor on `device`. The same tensor as before while the owner lives; after
// that it is forgotten. Not to be written to. Safe to use from many threads.
torch::Tensor OnDevice(const std::shared_ptr<const void>& owner,
                       const double* values, int64_t rows, int64_t columns,
                       torch::Device device);

// How many tensors are kept, for tests.
int64_t NumDeviceConstants();

}  // namespace cpab

#endif  // CPAB_TORCH_DEVICE_CONSTANTS_H_
