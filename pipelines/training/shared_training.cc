#include "pipelines/training/shared_training.h"

#include <torch/serialize.h>
#include <torch/types.h>

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace pipelines {
namespace {

using networks::weights::TensorMap;

std::string Serialized(const std::vector<torch::Tensor>& tensors) {
  std::ostringstream stream;
  torch::save(tensors, stream);
  return stream.str();
}

std::vector<torch::Tensor> Parsed(const std::string& bytes) {
  std::istringstream stream(bytes);
  std::vector<torch::Tensor> tensors;
  torch::load(tensors, stream);
  return tensors;
}

}  // namespace

absl::Status ShareTraining(parallel::ProcessGroup& group, const Learnt& learnt,
                           CheckpointState* state) {
  std::string names, bytes, position;
  if (group.rank() == 0) {
    std::vector<std::string> keys;
    std::vector<torch::Tensor> tensors;
    for (const auto& [name, tensor] : TensorsOf(learnt)) {
      keys.push_back(name);
      tensors.push_back(tensor.cpu());
    }
    names = absl::StrJoin(keys, "\n");
    bytes = Serialized(tensors);
    position = state->SerializeAsString();
  }
  for (std::string* text : {&names, &bytes, &position}) group.Broadcast(text);
  if (group.rank() == 0) return absl::OkStatus();
  const std::vector<std::string> keys = absl::StrSplit(names, '\n');
  const std::vector<torch::Tensor> tensors = Parsed(bytes);
  TensorMap by_name;
  for (size_t i = 0; i < keys.size(); ++i) by_name[keys[i]] = tensors[i];
  if (!state->ParseFromString(position)) {
    return absl::InternalError("what rank 0 sent is no state of training");
  }
  return SetTensors(by_name, "the state that rank 0 sent", learnt);
}

}  // namespace pipelines
