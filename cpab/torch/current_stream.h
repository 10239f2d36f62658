// The stream on which LibTorch puts work for a CUDA device.
//
// Private to //cpab/torch.
#ifndef CPAB_TORCH_CURRENT_STREAM_H_
#define CPAB_TORCH_CURRENT_STREAM_H_

#include <c10/core/Device.h>

#include "cpab/cuda/launch.h"

namespace cpab {

// For a CUDA device, in a build with kernels (--config=cuda); else TORCH_CHECK.
kernels::Stream CurrentStream(c10::Device device);

}  // namespace cpab

#endif  // CPAB_TORCH_CURRENT_STREAM_H_
