#include "networks/published/weight_files.h"

#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace networks::published {

namespace {

#define TORCHVISION "https://download.pytorch.org/models/"
#define META "https://dl.fbaipublicfiles.com/"
#define LPIPS                                                               \
  "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master" \
  "/lpips/weights/v0.1/"

// torchvision's names carry the first 8 digits of the SHA-256. SAM's carry 6 of
// the MD5, which proves little; their SHA-256 are those that several projects
// that depend on the files publish alike. LPIPS' are those of the files in its
// authors' repository. DINO's carry nothing.
constexpr WeightFile kWeightFiles[] = {
    {"vgg19-dcbb9e9d.pth", TORCHVISION "vgg19-dcbb9e9d.pth", "dcbb9e9d",
     "VGG-19, perceptual loss"},
    {"dino_vitbase8_pretrain.pth",
     META "dino/dino_vitbase8_pretrain/dino_vitbase8_pretrain.pth", "",
     "DINO ViT-B/8, structure alignment loss"},
    {"dino_vitbase16_pretrain.pth",
     META "dino/dino_vitbase16_pretrain/dino_vitbase16_pretrain.pth", "",
     "DINO ViT-B/16, structure alignment loss"},
    {"dino_deitsmall8_pretrain.pth",
     META "dino/dino_deitsmall8_pretrain/dino_deitsmall8_pretrain.pth", "",
     "DINO ViT-S/8, structure alignment loss"},
    {"dino_deitsmall16_pretrain.pth",
     META "dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth", "",
     "DINO ViT-S/16, structure alignment loss"},
    {"sam_vit_b_01ec64.pth", META "segment_anything/sam_vit_b_01ec64.pth",
     "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
     "SAM ViT-B, keypoint semantic loss and segment"},
    {"sam_vit_l_0b3195.pth", META "segment_anything/sam_vit_l_0b3195.pth",
     "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
     "SAM ViT-L, keypoint semantic loss and segment"},
    {"sam_vit_h_4b8939.pth", META "segment_anything/sam_vit_h_4b8939.pth",
     "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
     "SAM ViT-H, keypoint semantic loss and segment"},
    {"resnet18-f37072fd.pth", TORCHVISION "resnet18-f37072fd.pth", "f37072fd",
     "ResNet-18, first weights of the keypoint detector"},
    {"alexnet-owt-7be5be79.pth", TORCHVISION "alexnet-owt-7be5be79.pth",
     "7be5be79", "AlexNet, LPIPS"},
    {"vgg16-397923af.pth", TORCHVISION "vgg16-397923af.pth", "397923af",
     "VGG-16, LPIPS"},
    {"lpips_alex_v0.1.pth", LPIPS "alex.pth",
     "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
     "LPIPS, weights of AlexNet's channels"},
    {"lpips_vgg_v0.1.pth", LPIPS "vgg.pth",
     "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
     "LPIPS, weights of VGG-16's channels"},
};

#undef TORCHVISION
#undef META
#undef LPIPS

std::string Names() {
  return absl::StrJoin(kWeightFiles, ", ",
                       [](std::string* out, const WeightFile& file) {
                         absl::StrAppend(out, file.name);
                       });
}

}  // namespace

absl::Span<const WeightFile> WeightFiles() { return kWeightFiles; }

absl::StatusOr<WeightFile> WeightFileByName(absl::string_view name) {
  for (const WeightFile& file : kWeightFiles) {
    if (file.name == name) return file;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "there are no published weights '", name, "'; the names are ", Names()));
}

std::string WeightsFolder(absl::string_view cache_folder) {
  return absl::StrCat(cache_folder, "/weights");
}

absl::StatusOr<std::string> FindWeights(const std::string& name_or_path,
                                        const std::string& folder) {
  std::error_code error;
  if (name_or_path.find('/') != std::string::npos) {
    if (std::filesystem::is_regular_file(name_or_path, error)) {
      return name_or_path;
    }
    return absl::NotFoundError(
        absl::StrCat(name_or_path, ": there is no such file"));
  }
  const absl::StatusOr<WeightFile> file = WeightFileByName(name_or_path);
  if (!file.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.status().message(), "; for a file of your own give a path, as ./",
        name_or_path));
  }
  const std::string path = absl::StrCat(folder, "/", name_or_path);
  if (std::filesystem::is_regular_file(path, error)) return path;
  return absl::NotFoundError(absl::StrCat(
      "the weights ", name_or_path, " are not in ", folder,
      "; fetch them by: tools/bazelw run //tools:fetch_weights -- --dir '",
      folder, "' ", name_or_path));
}

}  // namespace networks::published
