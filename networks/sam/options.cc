// Tested by sam_test.cc.
#include "networks/sam/options.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace networks::sam {

namespace {

SamOptions Published(int64_t channels, int64_t depth, int64_t heads,
                     std::vector<int64_t> global_blocks) {
  SamOptions options;
  options.image_encoder.channels = channels;
  options.image_encoder.depth = depth;
  options.image_encoder.heads = heads;
  options.image_encoder.global_blocks = std::move(global_blocks);
  return options;
}

SamOptions Tiny() {
  SamOptions options;
  options.image_encoder = {128, 16, 32, 4, 2, 4, {1, 3}, 32};
  options.mask_decoder = {32, 2, 4, 64, 3, 32};
  return options;
}

SamOptions Mobile() {
  SamOptions options;
  options.tiny_vit.emplace();
  return options;
}

}  // namespace

absl::StatusOr<SamOptions> SamByName(absl::string_view name) {
  if (name == "tiny") return Tiny();
  if (name == "vit_t") return Mobile();
  if (name == "vit_b") return Published(768, 12, 12, {2, 5, 8, 11});
  if (name == "vit_l") return Published(1024, 24, 16, {5, 11, 17, 23});
  if (name == "vit_h") return Published(1280, 32, 16, {7, 15, 23, 31});
  return absl::InvalidArgumentError(
      absl::StrCat("there is no SAM model '", name, "'; use one of ",
                   absl::StrJoin(SamNames(), ", ")));
}

std::vector<std::string> SamNames() {
  return {"tiny", "vit_t", "vit_b", "vit_l", "vit_h"};
}

}  // namespace networks::sam
