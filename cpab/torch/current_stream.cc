#include "cpab/torch/current_stream.h"

#include <c10/cuda/CUDAStream.h>

namespace cpab {

kernels::Stream CurrentStream(c10::Device device) {
  return c10::cuda::getCurrentCUDAStream(device.index()).stream();
}

}  // namespace cpab
