// Which process of a data-parallel run this is, from the variables that
// torchrun, Slurm scripts and Kubeflow set. Torch-free.
#ifndef PIPELINES_PARALLEL_PROCESS_ENVIRONMENT_H_
#define PIPELINES_PARALLEL_PROCESS_ENVIRONMENT_H_

#include <string>

#include "absl/status/statusor.h"

namespace pipelines::parallel {

struct ProcessEnvironment {
  int rank = 0;         // RANK, in [0, size)
  int size = 1;         // WORLD_SIZE
  int local_rank = 0;   // LOCAL_RANK: which process of this machine, and GPU
  int local_size = 1;   // LOCAL_WORLD_SIZE: processes on this machine
  std::string address;  // MASTER_ADDR: the machine of rank 0
  int port = 0;         // MASTER_PORT: free there
  // torchrun keeps a store at that port itself, for each restart a new section
  // of it (TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT).
  bool store_is_running = false;
  std::string store_section;

  bool is_parallel() const { return size > 1; }
};

// One process where WORLD_SIZE is unset or 1. InvalidArgument naming the
// variable that is missing or makes no sense.
absl::StatusOr<ProcessEnvironment> ReadProcessEnvironment();

}  // namespace pipelines::parallel

#endif  // PIPELINES_PARALLEL_PROCESS_ENVIRONMENT_H_
