// Sizes of the Segment Anything Model.
#ifndef NETWORKS_SAM_OPTIONS_H_
#define NETWORKS_SAM_OPTIONS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace networks::sam {

struct ImageEncoderOptions {
  int64_t image_size = 1024;  // for which the position embedding is stored
  int64_t patch_size = 16;
  int64_t channels = 768;
  int64_t depth = 12;
  int64_t heads = 12;
  int64_t window_size = 14;  // in patches
  // Blocks whose attention sees the whole map; the others see one window.
  std::vector<int64_t> global_blocks = {2, 5, 8, 11};
  int64_t output_channels = 256;
};

struct MaskDecoderOptions {
  int64_t channels = 256;  // the image encoder's output_channels
  int64_t transformer_depth = 2;
  int64_t transformer_heads = 8;
  int64_t transformer_hidden_channels = 2048;
  int64_t multimask_outputs = 3;
  int64_t iou_hidden_channels = 256;
};

struct SamOptions {
  ImageEncoderOptions image_encoder;
  MaskDecoderOptions mask_decoder;
};

// The options of "vit_b", "vit_l", "vit_h" as published, or "tiny" (images of
// 128 pixels, 32 channels, 4 blocks: for tests and for demonstrations without
// weights). InvalidArgument, with the list of names, for any other.
absl::StatusOr<SamOptions> SamByName(absl::string_view name);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_OPTIONS_H_
