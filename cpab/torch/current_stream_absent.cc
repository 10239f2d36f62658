#include <c10/util/Exception.h>

#include "cpab/torch/current_stream.h"

namespace cpab {

kernels::Stream CurrentStream(c10::Device device) {
  TORCH_CHECK(false, "this build has no kernels for ", device,
              "; build with --config=cuda");
}

}  // namespace cpab
