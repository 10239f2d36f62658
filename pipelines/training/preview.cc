#include "pipelines/training/preview.h"

#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "pipelines/data/image_tensor.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
absl::StatusOr<PreviewPairs> ReadPreviewPairs(data::Dataset& test, int count) {
  std::vector<torch::Tensor> source, driving;
  const int available = static_cast<int>(test.clips().size());
  for (int i = 0; i < std::min(count, available); ++i) {
    ASSIGN_OR_RETURN(const auto clip, test.ReadWholeClip(i));
    source.push_back(data::ImageToTensor(clip->frames.front()));
    driving.push_back(
        data::ImageToTensor(clip->frames[data::FarthestFrame(*clip)]));
  }
  return PreviewPairs{torch::stack(source), torch::stack(driving)};
}

}  // namespace pipelines
