#include "pipelines/explanation/explanation_page.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_folder.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/explanation/stages.h"
#include "pipelines/media/image_io.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

constexpr int kTile = 64;

// The page of a random model with these overrides, and its pictures' check.
std::string PageOf(const std::string& folder, const FramePair& pair,
                   const std::vector<std::string>& overrides) {
  const auto config = TinyConfig(overrides);
  EXPECT_THAT(config, IsOk());
  torch::manual_seed(3);
  auto model = AnimationModel::Create(config->model());
  EXPECT_THAT(model, IsOk());
  (*model)->eval();
  const auto stages = ComputeStages({*config, *model}, pair, torch::kCPU);
  EXPECT_THAT(stages, IsOk());
  EXPECT_THAT(WriteExplanation(folder, *stages, "a.png & b.mp4", kTile),
              IsOk());
  const std::vector<std::string> files = ExplanationFiles(folder);
  for (size_t i = 1; i < files.size(); ++i) {
    const auto picture = media::ReadImage(files[i]);
    EXPECT_THAT(picture, IsOk());
  }
  return *networks::files::ReadFile(files[0]);
}

FramePair Pair() {
  torch::manual_seed(4);
  return {torch::rand({3, 32, 32}), torch::rand({3, 32, 32}), {}};
}

TEST(WriteExplanation, LinksAllPicturesAndNothingElse) {
  const std::string folder = networks::files::FreshTestFolder() + "/deeper";
  const std::string page = PageOf(folder, Pair(), {});
  size_t pictures = 0;
  for (size_t at = page.find("src=\""); at != std::string::npos;
       at = page.find("src=\"", at + 1)) {
    ++pictures;
    const size_t begin = at + 5;
    const std::string url = page.substr(begin, page.find('"', begin) - begin);
    EXPECT_THAT(networks::files::ReadFile(folder + "/" + url), IsOk());
  }
  EXPECT_EQ(pictures + 1, ExplanationFiles(folder).size());
  EXPECT_FALSE(absl::StrContains(page, "http"));
  EXPECT_TRUE(absl::StrContains(page, "a.png &amp; b.mp4"));
}

TEST(WriteExplanation, SaysWhatTheModelIs) {
  const std::string folder = networks::files::FreshTestFolder();
  const std::string cpab = PageOf(folder, Pair(), {});
  EXPECT_TRUE(absl::StrContains(cpab, "finds 2 sets of 5 keypoints"));
  EXPECT_TRUE(absl::StrContains(cpab, "cut into triangles"));
  EXPECT_TRUE(absl::StrContains(cpab, "borders of the triangles"));
  EXPECT_TRUE(absl::StrContains(cpab, "background is at rest (in training"));
  EXPECT_TRUE(absl::StrContains(cpab, "all sets together give one more"));
  EXPECT_TRUE(absl::StrContains(cpab, "4 resolutions"));
  EXPECT_TRUE(absl::StrContains(cpab, "Eq. (6)"));

  FramePair relative = Pair();
  relative.first_driving = relative.source;
  const std::string affine = PageOf(
      folder, relative,
      {"model.local=affine {}", "model.background=false",
       "model.global_transform=false", "model.dense_motion.multi_mask=false"});
  EXPECT_TRUE(absl::StrContains(affine, "an affine map"));
  EXPECT_FALSE(absl::StrContains(affine, "triangles"));
  EXPECT_FALSE(absl::StrContains(affine, "Eq. (6)"));
  EXPECT_TRUE(absl::StrContains(affine, "background is at rest. A set"));
  EXPECT_FALSE(absl::StrContains(affine, "give one more"));
  EXPECT_TRUE(absl::StrContains(affine, "1 resolution."));
  EXPECT_TRUE(absl::StrContains(affine, "The motion is relative"));
}

TEST(WriteExplanation, DrawsSplinesWithoutCells) {
  const std::string folder = networks::files::FreshTestFolder();
  for (const char* motion : {"thin_plate {}", "bspline {}"}) {
    const std::string page = PageOf(folder, Pair(),
                                    {std::string("model.local=") + motion,
                                     std::string("model.global=") + motion});
    EXPECT_FALSE(absl::StrContains(page, "triangles")) << motion;
  }
}

}  // namespace
}  // namespace pipelines
