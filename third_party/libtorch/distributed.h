// What differs between the versions of LibTorch's c10d: 1.13 has no class
// Backend, and from 2.4 on a store wants libuv, which not every build has.
#ifndef THIRD_PARTY_LIBTORCH_DISTRIBUTED_H_
#define THIRD_PARTY_LIBTORCH_DISTRIBUTED_H_

#include <torch/version.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#endif

namespace libtorch {

#if TORCH_VERSION_MAJOR >= 2
using ProcessBackend = c10d::Backend;
#else
using ProcessBackend = c10d::ProcessGroup;
#endif

// Options of a store whose server runs on sockets and threads alone.
inline c10d::TCPStoreOptions StoreOptions() {
  c10d::TCPStoreOptions options;
#if TORCH_VERSION_MAJOR > 2 || \
    (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  options.useLibUV = false;
#endif
  return options;
}

}  // namespace libtorch

#endif  // THIRD_PARTY_LIBTORCH_DISTRIBUTED_H_
