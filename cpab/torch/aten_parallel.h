// cpab's loops on ATen's threads.
//
// Private to //cpab/torch.
#ifndef CPAB_TORCH_ATEN_PARALLEL_H_
#define CPAB_TORCH_ATEN_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace cpab {

// A ParallelFor of cpab/field/parallel.h: one index at a time to a thread.
void AtenParallelFor(int64_t count, const std::function<void(int64_t)>& body);

}  // namespace cpab

#endif  // CPAB_TORCH_ATEN_PARALLEL_H_
