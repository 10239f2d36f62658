#include "networks/published/weight_files.h"

#include <filesystem>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace networks::published {

namespace {

constexpr char kMissingNameUrl[] = "cpab_animation/missing_weights/name";
constexpr char kMissingFolderUrl[] = "cpab_animation/missing_weights/folder";

#define TORCHVISION(file) "https://download.pytorch.org/models/" file
#define META(file) "https://dl.fbaipublicfiles.com/" file
#define LPIPS(file)                                                         \
  "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master" \
  "/lpips/weights/v0.1/" file
// Of a model hub; a space is a repository of another kind.
#define HUB(repository, file) \
  "https://huggingface.co/" repository "/resolve/main/" file
#define TPS(file)                                                 \
  HUB("MCMLXXXVII/thinplatesv1", "orig/" file),                   \
      HUB("spaces/AlekseyKorshuk/thin-plate-spline-motion-model", \
          "checkpoints/" file)

constexpr char kTorchvision[] = "torchvision, trained on ImageNet";
constexpr char kDino[] = "facebookresearch/dino";
constexpr char kDino2[] = "facebookresearch/dinov2";
constexpr char kSam[] = "facebookresearch/segment-anything";
constexpr char kLpips[] = "richzhang/PerceptualSimilarity";
constexpr char kBsd3[] = "BSD-3-Clause";
constexpr char kBsd2[] = "BSD-2-Clause";
constexpr char kApache[] = "Apache-2.0";
constexpr char kTpsLicence[] =
    "MIT for the authors' code; the files are copies by others, and the "
    "training videos have terms of their own";

// torchvision's names carry the first 8 digits of the SHA-256. SAM's carry 6 of
// the MD5, which proves little; their SHA-256 are those that several projects
// that depend on the files publish alike. LPIPS' are those of the files in its
// authors' repository. DINO's carry nothing. DINOv2's carry nothing either;
// theirs, and MobileSAM's, are those that several projects which depend on the
// files publish alike, but for ViT-B/14 with registers, which one does. The
// Thin-Plate Spline Motion Model's authors publish theirs on drives that need a
// click, and no digests; vox's is that of two independent copies.
constexpr WeightFile kWeightFiles[] = {
    {"tps-vox.pth.tar",
     "tps-vox",
     {HUB("VESSL/thin-plate-spline-motion-model", "vox.pth.tar"),
      HUB("spaces/maidentech/photo2video", "checkpoints/vox.pth.tar"),
      HUB("MCMLXXXVII/thinplatesv1", "orig/vox.pth.tar")},
     "52ad8c848e2a1d91b621de96fea83faf57ce3b8c1c06424e317f4df1d3998204",
     "faces: a whole model, to animate with",
     "Thin-Plate Spline Motion Model (CVPR 2022), trained on VoxCeleb",
     kTpsLicence,
     350993469},
    {"tps-taichi.pth.tar",
     "tps-taichi",
     {TPS("taichi.pth.tar")},
     "",
     "whole bodies: a whole model, to animate with",
     "Thin-Plate Spline Motion Model (CVPR 2022), trained on TaiChiHD",
     kTpsLicence},
    {"tps-ted.pth.tar",
     "tps-ted",
     {TPS("ted.pth.tar")},
     "",
     "upper bodies, at 384x384: a whole model, to animate with",
     "Thin-Plate Spline Motion Model (CVPR 2022), trained on TED talks",
     kTpsLicence},
    {"tps-mgif.pth.tar",
     "tps-mgif",
     {TPS("mgif.pth.tar")},
     "",
     "drawn animals: a whole model, to animate with",
     "Thin-Plate Spline Motion Model (CVPR 2022), trained on MGif",
     kTpsLicence},
    {"vgg19-dcbb9e9d.pth",
     "vgg19",
     {TORCHVISION("vgg19-dcbb9e9d.pth")},
     "dcbb9e9d",
     "VGG-19, perceptual loss",
     kTorchvision,
     kBsd3},
    {"dino_vitbase8_pretrain.pth",
     "dino-vitb8",
     {META("dino/dino_vitbase8_pretrain/dino_vitbase8_pretrain.pth")},
     "",
     "DINO ViT-B/8, structure alignment loss",
     kDino,
     kApache},
    {"dino_vitbase16_pretrain.pth",
     "dino-vitb16",
     {META("dino/dino_vitbase16_pretrain/dino_vitbase16_pretrain.pth")},
     "",
     "DINO ViT-B/16, structure alignment loss",
     kDino,
     kApache},
    {"dino_deitsmall8_pretrain.pth",
     "dino-vits8",
     {META("dino/dino_deitsmall8_pretrain/dino_deitsmall8_pretrain.pth")},
     "",
     "DINO ViT-S/8, structure alignment loss",
     kDino,
     kApache},
    {"dino_deitsmall16_pretrain.pth",
     "dino-vits16",
     {META("dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth")},
     "",
     "DINO ViT-S/16, structure alignment loss",
     kDino,
     kApache},
    {"dinov2_vits14_pretrain.pth",
     "dinov2-vits14",
     {META("dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth")},
     "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
     "DINOv2 ViT-S/14, structure alignment loss",
     kDino2,
     kApache,
     88283115},
    {"dinov2_vits14_reg4_pretrain.pth",
     "dinov2-vits14-reg",
     {META("dinov2/dinov2_vits14/dinov2_vits14_reg4_pretrain.pth")},
     "",
     "DINOv2 ViT-S/14 with registers, structure alignment loss",
     kDino2,
     kApache},
    {"dinov2_vitb14_pretrain.pth",
     "dinov2-vitb14",
     {META("dinov2/dinov2_vitb14/dinov2_vitb14_pretrain.pth")},
     "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
     "DINOv2 ViT-B/14, structure alignment loss",
     kDino2,
     kApache,
     346378731},
    {"dinov2_vitb14_reg4_pretrain.pth",
     "dinov2-vitb14-reg",
     {META("dinov2/dinov2_vitb14/dinov2_vitb14_reg4_pretrain.pth")},
     "73182a088cf94833c94b1666d1c99e02fe87e2007bff57b564fb6206e25dba71",
     "DINOv2 ViT-B/14 with registers, structure alignment loss",
     kDino2,
     kApache,
     346393545},
    {"sam_vit_b_01ec64.pth",
     "sam-vit-b",
     {META("segment_anything/sam_vit_b_01ec64.pth")},
     "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
     "SAM ViT-B, keypoint semantic loss and segment",
     kSam,
     kApache},
    {"sam_vit_l_0b3195.pth",
     "sam-vit-l",
     {META("segment_anything/sam_vit_l_0b3195.pth")},
     "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
     "SAM ViT-L, keypoint semantic loss and segment",
     kSam,
     kApache},
    {"sam_vit_h_4b8939.pth",
     "sam-vit-h",
     {META("segment_anything/sam_vit_h_4b8939.pth")},
     "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
     "SAM ViT-H, keypoint semantic loss and segment",
     kSam,
     kApache},
    {"mobile_sam.pt",
     "mobile-sam",
     {"https://raw.githubusercontent.com/ChaoningZhang/MobileSAM/master/"
      "weights/mobile_sam.pt",
      HUB("dhkim2810/MobileSAM", "mobile_sam.pt"),
      HUB("spaces/dhkim2810/MobileSAM", "mobile_sam.pt")},
     "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
     "MobileSAM, keypoint semantic loss and segment",
     "ChaoningZhang/MobileSAM",
     kApache,
     40728226},
    {"alexnet-owt-7be5be79.pth",
     "alexnet",
     {TORCHVISION("alexnet-owt-7be5be79.pth")},
     "7be5be79",
     "AlexNet, LPIPS",
     kTorchvision,
     kBsd3},
    {"vgg16-397923af.pth",
     "vgg16",
     {TORCHVISION("vgg16-397923af.pth")},
     "397923af",
     "VGG-16, LPIPS",
     kTorchvision,
     kBsd3},
    {"lpips_alex_v0.1.pth",
     "lpips-alex",
     {LPIPS("alex.pth")},
     "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
     "LPIPS, weights of AlexNet's channels",
     kLpips,
     kBsd2},
    {"lpips_vgg_v0.1.pth",
     "lpips-vgg",
     {LPIPS("vgg.pth")},
     "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
     "LPIPS, weights of VGG-16's channels",
     kLpips,
     kBsd2},
};

#undef TORCHVISION
#undef META
#undef LPIPS
#undef HUB
#undef TPS

absl::Status Missing(const std::vector<std::string>& names,
                     const std::string& folder) {
  absl::Status missing = absl::NotFoundError(absl::StrCat(
      "the weights ", absl::StrJoin(names, " and "), " are not in ", folder));
  missing.SetPayload(kMissingNameUrl, absl::Cord(absl::StrJoin(names, " ")));
  missing.SetPayload(kMissingFolderUrl, absl::Cord(folder));
  return missing;
}

}  // namespace

absl::Span<const WeightFile> WeightFiles() { return kWeightFiles; }

std::vector<std::string> ShortNames() {
  std::vector<std::string> names;
  for (const WeightFile& file : kWeightFiles) {
    names.emplace_back(file.short_name);
  }
  return names;
}

absl::StatusOr<WeightFile> WeightFileByName(absl::string_view name) {
  for (const WeightFile& file : kWeightFiles) {
    if (file.name == name || file.short_name == name) return file;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there are no published weights '", name,
                   "'; the names are ", absl::StrJoin(ShortNames(), ", ")));
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
  const std::string path = absl::StrCat(folder, "/", file->name);
  if (std::filesystem::is_regular_file(path, error)) return path;
  return Missing({name_or_path}, folder);
}

absl::Status FindAllWeights(const std::vector<std::string>& names_or_paths,
                            const std::string& folder) {
  std::vector<std::string> missing;
  for (const std::string& name : names_or_paths) {
    const absl::Status status = FindWeights(name, folder).status();
    if (status.ok()) continue;
    if (!MissingWeightsOf(status)) return status;
    missing.push_back(name);
  }
  return missing.empty() ? absl::OkStatus() : Missing(missing, folder);
}

std::optional<MissingWeights> MissingWeightsOf(const absl::Status& error) {
  const auto name = error.GetPayload(kMissingNameUrl);
  const auto folder = error.GetPayload(kMissingFolderUrl);
  if (!name || !folder) return std::nullopt;
  return MissingWeights{std::string(*name), std::string(*folder)};
}

}  // namespace networks::published
