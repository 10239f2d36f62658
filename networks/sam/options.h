// Sizes of the Segment Anything Model.
#ifndef NETWORKS_SAM_OPTIONS_H_
#define NETWORKS_SAM_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
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

// MobileSAM's image encoder, networks/sam/tiny_vit.h; one number a stage.
struct TinyVitOptions {
  int64_t image_size = 1024;  // that it was trained for
  std::vector<int64_t> channels = {64, 128, 160, 320};
  std::vector<int64_t> depths = {2, 2, 6, 2};
  // Of the first stage, which has no attention, not used; as published.
  std::vector<int64_t> heads = {2, 4, 5, 10};
  std::vector<int64_t> window_sizes = {7, 7, 14, 7};
  int64_t output_channels = 256;
};

struct SamOptions {
  ImageEncoderOptions image_encoder;
  MaskDecoderOptions mask_decoder;
  // If set, this encoder instead of `image_encoder`.
  std::optional<TinyVitOptions> tiny_vit;

  // The side of the square that the image encoder was trained with.
  int64_t image_size() const {
    return tiny_vit ? tiny_vit->image_size : image_encoder.image_size;
  }
};

// The options of "vit_b", "vit_l", "vit_h" as published, of "vit_t", which is
// MobileSAM, or of "tiny" (images of 128 pixels, 32 channels, 4 blocks: for
// tests and for demonstrations without weights). InvalidArgument, with the list
// of names, for any other.
absl::StatusOr<SamOptions> SamByName(absl::string_view name);

// All names that it knows.
std::vector<std::string> SamNames();

}  // namespace networks::sam

#endif  // NETWORKS_SAM_OPTIONS_H_
