// SAM's published files: names and shapes of all that is in them, and a file
// of that kind (of a tiny SAM; sam_vit_b_test has the real one) read into the
// network.
#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/sam/golden_case.h"
#include "networks/sam/sam.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/weights/key_map.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/read.h"
#include "third_party/absl/status_matchers.h"

namespace networks::sam {
namespace {

// Of sam_vit_b_01ec64.pth, what depends on the model's size; the names are
// those of the golden file.
TEST(PublishedSam, HasTheNamesAndShapesOfVitB) {
  const Sam sam(*SamByName("vit_b"));
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& [key, tensor] : weights::StateDict(*sam)) {
    shapes[key] = tensor.sizes().vec();
  }
  const auto golden = test_util::Golden::Load(TinyCase().path);
  ASSERT_THAT(golden, IsOk());
  const std::string encoder = "image_encoder.";
  // The names of a network of 4 blocks are those of 12 blocks up to the 4th.
  for (const std::string& key : PublishedKeys(*golden)) {
    EXPECT_EQ(shapes.count(key), 1u) << key;
  }
  // 14 tensors a block, 8 blocks more.
  EXPECT_EQ(shapes.size(), PublishedKeys(*golden).size() + 8 * 14);

  using Shape = std::vector<int64_t>;
  EXPECT_EQ(shapes[encoder + "pos_embed"], (Shape{1, 64, 64, 768}));
  EXPECT_EQ(shapes[encoder + "blocks.0.attn.rel_pos_h"], (Shape{27, 64}));
  EXPECT_EQ(shapes[encoder + "blocks.2.attn.rel_pos_w"], (Shape{127, 64}));
  EXPECT_EQ(shapes[encoder + "blocks.11.mlp.lin1.weight"], (Shape{3072, 768}));
  EXPECT_EQ(shapes[encoder + "neck.2.weight"], (Shape{256, 256, 3, 3}));
  EXPECT_EQ(shapes["prompt_encoder.pe_layer."
                   "positional_encoding_gaussian_matrix"],
            (Shape{2, 128}));
  EXPECT_EQ(shapes["prompt_encoder.mask_downscaling.3.weight"],
            (Shape{16, 4, 2, 2}));
  EXPECT_EQ(shapes["mask_decoder.transformer.layers.1.mlp.lin1.weight"],
            (Shape{2048, 256}));
  EXPECT_EQ(shapes["mask_decoder.output_upscaling.0.weight"],
            (Shape{256, 64, 2, 2}));
  EXPECT_EQ(shapes["mask_decoder.iou_prediction_head.layers.2.weight"],
            (Shape{4, 256}));
}

TEST(PublishedSam, LoadsFromAFile) {
  Sam filled(*SamByName("tiny"));
  test_util::FillModule("sam/", *filled);
  const std::string path = ::testing::TempDir() + "/sam_tiny.pth";
  ASSERT_THAT(weights::WritePytorch(path, weights::StateDict(*filled)), IsOk());
  Sam loaded(*SamByName("tiny"));
  weights::LoadOptions options;
  options.key_map = weights::SegmentAnything();
  ASSERT_THAT(weights::LoadFile(*loaded, path, options), IsOk());
  for (const auto& [key, tensor] : weights::StateDict(*filled)) {
    EXPECT_TRUE(torch::equal(weights::StateDict(*loaded)[key], tensor)) << key;
  }
}

}  // namespace
}  // namespace networks::sam
