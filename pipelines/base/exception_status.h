// Exceptions of the libraries as a status.
#ifndef PIPELINES_BASE_EXCEPTION_STATUS_H_
#define PIPELINES_BASE_EXCEPTION_STATUS_H_

#include <exception>

#include "absl/status/status.h"

namespace pipelines {

// ResourceExhausted where a library has found too little memory: the C++
// library, LibTorch on the CPU and on GPUs, OpenCV. FailedPrecondition where
// LibTorch has no code for the GPU. Unavailable where a thread cannot be
// started; the code of networks/files/system_error.h for other
// std::system_errors. Else Internal. With the first line of what the exception
// says.
absl::Status ExceptionStatus(const std::exception& error);

// Whether `status` is ExceptionStatus' of too little memory (and not of a full
// disk, say), or of a GPU that LibTorch has no code for; also where others have
// put words before or behind its message.
bool IsOutOfMemory(const absl::Status& status);
bool IsWithoutGpuCode(const absl::Status& status);

}  // namespace pipelines

#endif  // PIPELINES_BASE_EXCEPTION_STATUS_H_
