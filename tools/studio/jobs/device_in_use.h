// The device on which jobs run, found by the server, which has no LibTorch.
#ifndef TOOLS_STUDIO_JOBS_DEVICE_IN_USE_H_
#define TOOLS_STUDIO_JOBS_DEVICE_IN_USE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace studio {

struct DeviceInUse {
  std::string device;  // "cpu", "cuda:0"
  std::string name;    // as its maker calls it; empty if that is not known
};

// Where this system tells of its processor and its GPUs.
struct DevicePlaces {
  std::string processor = "/proc/cpuinfo";
  // A folder for each GPU, with a file "information".
  std::string nvidia_gpus = "/proc/driver/nvidia/gpus";
  // There if a program can use a GPU: of NVIDIA, AMD and Windows' subsystem.
  std::vector<std::string> gpu_files = {"/dev/nvidiactl", "/dev/kfd",
                                        "/dev/dxg"};
  std::string worker;  // the program asked; empty: that of jobs
};

// asked: as --device of animate. "auto" is the processor where there is none of
// `gpu_files`; the worker is asked about all but that and "cpu", which takes
// seconds. InvalidArgument for a device that is not there; Internal where the
// worker gives no answer.
absl::StatusOr<DeviceInUse> FindDevice(const std::string& asked,
                                       const DevicePlaces& places = {});

// The value of the first line "NAME : VALUE" of `text`; empty if none has it.
std::string ValueOf(absl::string_view text, absl::string_view name);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_DEVICE_IN_USE_H_
