// MobileSAM: agreement with the original, and its published file.
#include <torch/types.h>
#include <torch/utils.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/sam/golden_case.h"
#include "networks/sam/sam.h"
#include "networks/sam/tiny_vit.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "networks/weights/key_map.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/read.h"
#include "third_party/absl/status_matchers.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using test_util::Golden;
using test_util::TensorNear;
using torch::Tensor;

// Two correct float32 programs differ by up to 6e-6 at values around 1 (the
// golden file's f32_vs_f64).
constexpr double kTolerance = 1e-4;

constexpr char kGoldenPath[] = "networks/sam/testdata/mobile_sam.safetensors";

Sam FilledMobile() {
  Sam sam(*SamByName("vit_t"));
  test_util::FillModule("sam/", *sam);
  for (Tensor parameter : sam->parameters()) parameter.requires_grad_(false);
  return sam;
}

// Images of 1024 pixels as published, and smaller ones whose maps (40, 20, 10
// and 10 for 160) the windows of 7 and 14 do not divide.
class MobileSamGoldenTest : public ::testing::Test {
 protected:
  void Expect(const std::string& name, const Tensor& actual) {
    EXPECT_TRUE(golden_.Matches(name, actual.detach(), kTolerance));
  }

  // The original has maps [B, C, H, W] behind the start and tokens [B, H W, C]
  // behind each stage.
  Tensor ExpectEncoder(const std::string& prefix, const Tensor& images) {
    torch::NoGradGuard no_grad;
    const auto maps = sam_->image_encoder->as<TinyVit>()->Maps(images);
    Expect(prefix + "patch_embed", maps[0].permute({0, 3, 1, 2}).contiguous());
    for (size_t i = 1; i < maps.size(); ++i) {
      Expect(absl::StrCat(prefix, "layers.", i - 1),
             maps[i].contiguous().flatten(1, 2));
    }
    // As forward() does, which need not compute the maps again.
    const auto neck = sam_->image_encoder->named_children()["neck"];
    const Tensor embedding = neck->as<torch::nn::Sequential>()
                                 ->forward(maps.back().permute({0, 3, 1, 2}))
                                 .contiguous();
    Expect(prefix + "image_embedding", embedding);
    return embedding;
  }

  void ExpectPrompts(const std::string& tag, const Tensor& embedding,
                     const Tensor& golden_points, const Tensor& labels) {
    ExpectPromptsEqualToOriginal(golden_, tag, sam_, 1024, embedding,
                                 golden_points, labels);
  }

  const Golden golden_ = test_util::LoadGolden(kGoldenPath);
  Sam sam_ = FilledMobile();
};

TEST_F(MobileSamGoldenTest, EncodesSmallImagesAsTheOriginal) {
  for (const int64_t size : {160, 224}) {
    const Tensor images =
        2 * FillSigned(absl::StrCat("input/sam_", size), {2, 3, size, size});
    const Tensor embedding = ExpectEncoder(absl::StrCat(size, "."), images);
    EXPECT_TRUE(torch::equal(sam_->image_encoder->forward(images), embedding));
  }
}

TEST_F(MobileSamGoldenTest, EqualsTheOriginal) {
  const Tensor embedding =
      ExpectEncoder("", 2 * FillSigned("input/sam", {1, 3, 1024, 1024}));
  ExpectPrompts("each", embedding, golden_.tensor("points"),
                golden_.tensor("labels"));
  ExpectPrompts("joint", embedding, golden_.tensor("points_joint"),
                golden_.tensor("labels_joint"));
}

// All but the classifier.
TEST(PublishedMobileSam, HasTheNamesAndShapesOfTheNetwork) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& [key, tensor] : weights::StateDict(*FilledMobile())) {
    shapes[key] = tensor.sizes().vec();
  }
  auto published = test_util::LoadGolden(kGoldenPath).published_shapes();
  for (const char* name : {"norm_head", "head"}) {
    for (const char* kind : {"weight", "bias"}) {
      EXPECT_EQ(
          published.erase(absl::StrCat("image_encoder.", name, ".", kind)), 1u);
    }
  }
  EXPECT_EQ(shapes, published);
}

TEST(PublishedMobileSam, LoadsFromAFile) {
  weights::TensorMap tensors;
  for (const auto& [key, shape] :
       test_util::LoadGolden(kGoldenPath).published_shapes()) {
    tensors[key] = test_util::FillValue("sam/", key, shape);
  }
  const std::string path = ::testing::TempDir() + "/mobile_sam.pt";
  ASSERT_THAT(weights::WritePytorch(path, tensors), IsOk());
  Sam loaded(*SamByName("vit_t"));
  weights::LoadOptions options;
  options.key_map = weights::SegmentAnything();
  ASSERT_THAT(weights::LoadFile(*loaded, path, options), IsOk());
  const weights::TensorMap expected = weights::StateDict(*FilledMobile());
  for (const auto& [key, tensor] : weights::StateDict(*loaded)) {
    EXPECT_TRUE(torch::equal(expected.at(key), tensor)) << key;
  }
}

}  // namespace
}  // namespace networks::sam
