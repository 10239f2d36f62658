// Stands for the kernels in a build without them.
#include <cstdio>
#include <cstdlib>

#include "cpab/cuda/device.h"
#include "cpab/cuda/fit_kernels.h"
#include "cpab/cuda/flow_kernels.h"

namespace cpab::kernels {
namespace {

constexpr char kAbsent[] =
    "this build has no CUDA kernels; build with --config=cuda";

[[noreturn]] void Fail() {
  std::fprintf(stderr, "%s\n", kAbsent);
  std::abort();
}

}  // namespace

template <typename Real>
LaunchError LaunchTransform(const FlowBatch<Real>&, Real*, Stream) {
  return kAbsent;
}

template <typename Real>
LaunchError LaunchPullback(const FlowBatch<Real>&, const Real*, Real*, double*,
                           Stream) {
  return kAbsent;
}

template LaunchError LaunchTransform<float>(const FlowBatch<float>&, float*,
                                            Stream);
template LaunchError LaunchTransform<double>(const FlowBatch<double>&, double*,
                                             Stream);
template LaunchError LaunchPullback<float>(const FlowBatch<float>&,
                                           const float*, float*, double*,
                                           Stream);
template LaunchError LaunchPullback<double>(const FlowBatch<double>&,
                                            const double*, double*, double*,
                                            Stream);

LaunchError LaunchFit(const FitBatch&, const FitResults&, double*, int*,
                      Stream) {
  return kAbsent;
}

LaunchError LaunchFitPullback(const FitBatch&, const FitPullback&, double*,
                              int*, Stream) {
  return kAbsent;
}

bool HasKernels() { return false; }
std::string WhyNoDevice() { return kAbsent; }
std::string FinishWork() { return kAbsent; }
void* AllocateOnDevice(size_t) { Fail(); }
void FreeOnDevice(void*) { Fail(); }
void CopyToDevice(const void*, size_t, void*) { Fail(); }
void CopyFromDevice(const void*, size_t, void*) { Fail(); }

}  // namespace cpab::kernels
