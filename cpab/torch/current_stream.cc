#include "cpab/torch/current_stream.h"

#include <c10/cuda/CUDAStream.h>
#include <c10/util/Exception.h>

namespace cpab {

kernels::Stream CurrentStream(c10::Device device) {
  TORCH_CHECK(device.is_cuda(), "CPAB's kernels run on CUDA devices, not on ",
              device);
  return c10::cuda::getCurrentCUDAStream(device.index()).stream();
}

}  // namespace cpab
