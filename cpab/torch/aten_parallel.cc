#include "cpab/torch/aten_parallel.h"

#include <ATen/Parallel.h>

namespace cpab {

void AtenParallelFor(int64_t count, const std::function<void(int64_t)>& body) {
  at::parallel_for(0, count, /*grain_size=*/1,
                   [&body](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) body(i);
                   });
}

}  // namespace cpab
