// How far frames of a trained model would be from their own if the inpainting
// network's convolutions multiplied in 8 bits with sums in 32-bit integers: a
// simulation by rounded factors in float32, whose own rounding is a thousandth
// of theirs.
//
//   tools/bazelw run //pipelines/animation:int8_deviation -- CHECKPOINT
//
// The bundled puppet is animated by the bundled video, of which every fourth
// frame is painted, in each of the ways below and as it is. The table has the
// differences of pixels in 255ths. Without CHECKPOINT, the bundled one.
//
// Weights are rounded to -127 .. 127 of their output channel's largest; inputs
// to 0 .. 255 of the range that they have in some eight calibrating frames,
// one range for each convolution. The encoder's maps are those of float32: they
// are computed once a source.
#include <c10/core/GradMode.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "networks/inpainting.h"
#include "networks/sampling.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/data/image_tensor.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/model/autocast.h"
#include "pipelines/model/model.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using torch::Tensor;

constexpr int kFrameStep = 4;
constexpr int kCalibratingFrames = 8;
constexpr double kEpsilon = 1e-5;  // of the norms
constexpr double kMostWeight = 127, kMostInput = 255;

// Which factors are rounded, and how.
struct Rounding {
  const char* name;
  bool weights = true;
  bool inputs = true;
  bool final = true;       // of the last, 7x7 convolution, too
  bool last_level = true;  // of the up-sampling to the image's size, too
  // Input channels are scaled towards equal ranges, the weights against that.
  bool smooth = false;
  // Share of the values of an input that its range leaves out at either end.
  double clipped = 0;
  // 3x3 convolutions by Winograd's F(4x4, 3x3): the transformed factors are
  // rounded, with a range for each of the 36 positions.
  bool winograd = false;
};

const Rounding kRoundings[] = {
    {"weights alone", true, false},
    {"inputs alone", false, true},
    {"weights and inputs"},
    {"the same, without a 1/10000th of an input at either end", true, true,
     true, true, false, 1e-4},
    {"weights and inputs, smoothed", true, true, true, true, true},
    {"the same, but for the 7x7 convolution", true, true, false, true, true},
    {"the same, but for the last up-sampling, too", true, true, false, false,
     true},
    {"Winograd's factors, but for the 7x7 convolution", true, true, false, true,
     false, 0, true},
};

// The frames of a driving video as a network sees them.
struct Pose {
  Tensor source_from_driving;
  std::vector<Tensor> occlusion_maps;
};

// Per element: to whole numbers from `least` to `most` of `scale`.
Tensor Rounded(const Tensor& x, const Tensor& scale, double least,
               double most) {
  return (x / scale).round().clamp(least, most) * scale;
}

// Of one convolution's input, or of one position of its tiles.
struct Range {
  double low = 0, high = 0;

  void Include(const Tensor& x, double clipped) {
    if (clipped == 0) {
      low = std::min(low, x.min().item<double>());
      high = std::max(high, x.max().item<double>());
      return;
    }
    const Tensor sorted = std::get<0>(x.flatten().sort());
    const auto last = static_cast<double>(sorted.numel() - 1);
    low = std::min(low,
                   sorted[static_cast<int64_t>(last * clipped)].item<double>());
    high = std::max(
        high,
        sorted[static_cast<int64_t>(last * (1 - clipped))].item<double>());
  }

  // To 0 .. 255 with a whole number for 0, so that padding is exact.
  Tensor Round(const Tensor& x) const {
    const double scale = std::max(high - low, 1e-12) / kMostInput;
    const double zero = std::round(-low / scale);
    return ((x / scale).round() + zero).clamp(0, kMostInput).sub(zero) * scale;
  }
};

// Winograd's matrices at the points that networks/cpu uses for bfloat16,
// 0, 2/3, -2/3, 3/2, -3/2: see networks/cpu/winograd_inl.h.
struct WinogradMatrices {
  Tensor of_input, of_weight, of_output;  // B^T [6, 6], G [6, 3], A^T [4, 6]

  WinogradMatrices() {
    const double a = 2.0 / 3, b = 1.5, a2 = a * a, b2 = b * b;
    const double s = a2 + b2, p = a2 * b2;
    const double u = 1 / (2 * a2 * (a2 - b2)), v = 1 / (2 * b2 * (b2 - a2));
    const auto matrix = [](std::vector<double> values, int64_t rows) {
      return torch::tensor(values, torch::kFloat32).view({rows, -1});
    };
    of_input = matrix({p, 0,       -s,  0,  1, 0,  //
                       0, -a * b2, -b2, a,  1, 0,  //
                       0, a * b2,  -b2, -a, 1, 0,  //
                       0, -b * a2, -a2, b,  1, 0,  //
                       0, b * a2,  -a2, -b, 1, 0,  //
                       0, p,       0,   -s, 0, 1},
                      6);
    of_weight = matrix({1 / p, 0, 0,        //
                        u, a * u, a2 * u,   //
                        u, -a * u, a2 * u,  //
                        v, b * v, b2 * v,   //
                        v, -b * v, b2 * v,  //
                        0, 0, 1},
                       6);
    of_output = matrix({1, 1,      1,       1,      1,       0,  //
                        0, a,      -a,      b,      -b,      0,  //
                        0, a2,     a2,      b2,     b2,      0,  //
                        0, a2 * a, -a2 * a, b2 * b, -b2 * b, 1},
                       4);
  }
};

// A convolution of the network.
class Convolution {
 public:
  Convolution() = default;
  Convolution(const Tensor& weight, const Tensor& bias)
      : weight_(weight), bias_(bias) {}

  Tensor Exact(const Tensor& x) const { return Convolve(x, weight_); }

  // Exact, and takes x into the ranges.
  Tensor Calibrate(const Tensor& x, const Rounding& rounding) {
    const Tensor largest = x.abs().amax({0, 2, 3});
    largest_ = largest_.defined() ? torch::maximum(largest_, largest) : largest;
    if (rounding.winograd && weight_.size(2) == 3) {
      const Tensor tiles = TransformedTiles(x);
      positions_.resize(36);
      for (int64_t p = 0; p < 36; ++p) {
        positions_[p].Include(tiles.select(0, p), rounding.clipped);
      }
    }
    inputs_.push_back(x);
    return Exact(x);
  }

  // After all calibrating frames.
  void EndCalibration(const Rounding& rounding) {
    // SmoothQuant (Xiao et al. 2023) with a strength of 1/2.
    const Tensor of_weight = weight_.abs().amax({0, 2, 3});
    smoothing_ = rounding.smooth ? (largest_ / of_weight.clamp_min(1e-12))
                                       .sqrt()
                                       .clamp_min(1e-6)
                                       .view({1, -1, 1, 1})
                                 : torch::ones({1, 1, 1, 1});
    for (const Tensor& x : inputs_) {
      range_.Include(x / smoothing_, rounding.clipped);
    }
    inputs_.clear();
  }

  Tensor Rounded(const Tensor& x, const Rounding& rounding) const {
    if (rounding.winograd && weight_.size(2) == 3) return ByWinograd(x);
    Tensor weight = weight_ * smoothing_, input = x / smoothing_;
    if (rounding.weights) {
      const Tensor scale =
          weight.abs().amax({1, 2, 3}, true).clamp_min(1e-12) / kMostWeight;
      weight = pipelines::Rounded(weight, scale, -kMostWeight, kMostWeight);
    }
    if (rounding.inputs) input = range_.Round(input);
    return Convolve(input, weight);
  }

 private:
  Tensor Convolve(const Tensor& x, const Tensor& weight) const {
    return torch::conv2d(x, weight, bias_, /*stride=*/1,
                         /*padding=*/weight.size(2) / 2);
  }

  // B^T d B of all tiles of x [1, C, H, W]: [36, C, tiles].
  static Tensor TransformedTiles(const Tensor& x) {
    const WinogradMatrices matrices;
    const Tensor padded = torch::constant_pad_nd(x, {1, 1, 1, 1});
    const Tensor tiles = padded.unfold(2, 6, 4).unfold(3, 6, 4);
    return torch::einsum("ir,bcyxrs,js->ijcyxb",
                         {matrices.of_input, tiles, matrices.of_input})
        .reshape({36, x.size(1), -1});
  }

  Tensor ByWinograd(const Tensor& x) const {
    const WinogradMatrices matrices;
    const Tensor tiles = TransformedTiles(x);
    const Tensor weights =
        torch::einsum("ir,ocrs,js->ijoc",
                      {matrices.of_weight, weight_, matrices.of_weight})
            .reshape({36, weight_.size(0), -1});
    std::vector<Tensor> inputs;
    for (int64_t p = 0; p < 36; ++p) {
      inputs.push_back(positions_[p].Round(tiles[p]));
    }
    const Tensor scale = weights.abs().amax(2, true).clamp_min(1e-12);
    const Tensor products =
        torch::bmm(pipelines::Rounded(weights, scale / kMostWeight,
                                      -kMostWeight, kMostWeight),
                   torch::stack(inputs))
            .view({6, 6, -1, x.size(2) / 4, x.size(3) / 4});
    return torch::einsum("ir,rsoyx,js->oyixj",
                         {matrices.of_output, products, matrices.of_output})
               .reshape({1, -1, x.size(2), x.size(3)}) +
           bias_.view({1, -1, 1, 1});
  }

  Tensor weight_, bias_;
  Tensor largest_;  // [C], of each input channel
  Tensor smoothing_;
  std::vector<Tensor> inputs_;  // of the calibrating frames
  Range range_;
  std::vector<Range> positions_;
};

// InpaintingNetwork's Render, with convolutions that may round.
class Painter {
 public:
  Painter(networks::InpaintingNetworkImpl& network,
          const networks::SourceFeatures& features, const Rounding& rounding)
      : features_(features),
        depth_(network.options().num_down_blocks),
        rounding_(rounding) {
    for (const auto& parameter : network.named_parameters()) {
      parameters_[parameter.key()] = parameter.value();
    }
    for (const auto& [name, value] : parameters_) {
      if (value.dim() != 4) continue;
      const std::string layer = name.substr(0, name.rfind('.'));
      convolutions_[layer] = {value, parameters_.at(layer + ".bias")};
    }
  }

  enum class Stage { kExact, kCalibrate, kRound };

  void EndCalibration() {
    for (auto& [name, convolution] : convolutions_) {
      if (Rounds(name)) convolution.EndCalibration(rounding_);
    }
  }

  // The frame [1, 3, H, W].
  Tensor Paint(const Pose& pose, Stage stage) {
    stage_ = stage;
    Tensor out, occlusion;
    for (int64_t level = depth_; level >= 0; --level) {
      occlusion = OcclusionOf(pose, level);
      const Tensor skipped = networks::WarpAndScale(
          features_.encoder_maps[level], pose.source_from_driving, occlusion);
      if (level == 0) {
        out = out * (1 - occlusion) + skipped;
        break;
      }
      out = level == depth_ ? skipped : torch::cat({out, skipped}, 1);
      out = PaintLevel(depth_ - level, out);
    }
    out = torch::sigmoid(Convolve("final", out));
    return out * (1 - occlusion) +
           networks::Warp(features_.image, pose.source_from_driving) *
               occlusion;
  }

 private:
  // As InpaintingNetwork chooses it.
  Tensor OcclusionOf(const Pose& pose, int64_t level) const {
    const std::vector<Tensor>& maps = pose.occlusion_maps;
    if (maps.size() > 1) return maps[maps.size() - 1 - level];
    const Tensor& like = features_.encoder_maps[level];
    return networks::ResizeBilinear(maps[0], like.size(2), like.size(3));
  }

  // Two residual blocks and the doubling.
  Tensor PaintLevel(int64_t i, Tensor x) {
    for (int64_t block = 2 * i; block < 2 * i + 2; ++block) {
      const std::string name = "resblock." + std::to_string(block);
      const Tensor hidden =
          Convolve(name + ".conv1", NormRelu(name + ".norm1", x));
      x = x + Convolve(name + ".conv2", NormRelu(name + ".norm2", hidden));
    }
    const std::string up = "up_blocks." + std::to_string(i);
    x = torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
    return NormRelu(up + ".norm", Convolve(up + ".conv", x));
  }

  Tensor NormRelu(const std::string& name, const Tensor& x) const {
    return torch::instance_norm(x, parameters_.at(name + ".weight"),
                                parameters_.at(name + ".bias"), {}, {}, true, 0,
                                kEpsilon, false)
        .relu();
  }

  bool Rounds(const std::string& name) const {
    if (name == "final") return rounding_.final;
    const std::string last = "up_blocks." + std::to_string(depth_ - 1);
    if (name.rfind(last, 0) == 0) return rounding_.last_level;
    return name.rfind("resblock", 0) == 0 || name.rfind("up_blocks", 0) == 0;
  }

  Tensor Convolve(const std::string& name, const Tensor& x) {
    Convolution& convolution = convolutions_.at(name);
    if (stage_ == Stage::kExact || !Rounds(name)) return convolution.Exact(x);
    return stage_ == Stage::kCalibrate ? convolution.Calibrate(x, rounding_)
                                       : convolution.Rounded(x, rounding_);
  }

  const networks::SourceFeatures& features_;
  const int64_t depth_;
  const Rounding rounding_;
  std::map<std::string, Tensor> parameters_;
  std::map<std::string, Convolution> convolutions_;
  Stage stage_ = Stage::kExact;
};

void PrintRow(const char* name, const std::vector<Tensor>& frames,
              const std::vector<Tensor>& expected) {
  const Tensor difference =
      255 * (torch::cat(frames) - torch::cat(expected)).abs().flatten();
  const Tensor sorted = std::get<0>(difference.sort());
  std::printf(
      "%-56s %8.3f %8.4f %8.3f\n", name, sorted[-1].item<double>(),
      difference.mean().item<double>(),
      sorted[static_cast<int64_t>(0.999 * sorted.numel())].item<double>());
}

// Every kFrameStep-th frame of the bundled video, [1, 3, H, W] each.
absl::StatusOr<std::vector<Tensor>> ReadDriving(cv::Size size) {
  ASSIGN_OR_RETURN(const auto video, media::OpenFrameSource(ExampleDriving()));
  std::vector<Tensor> frames;
  for (int i = 0;; ++i) {
    ASSIGN_OR_RETURN(const auto frame, video->Next());
    if (!frame) return frames;
    if (i % kFrameStep > 0) continue;
    frames.push_back(data::ImageToTensor(media::CropAndResize(frame->rgb, size))
                         .unsqueeze(0));
  }
}

std::vector<Tensor> PaintRounded(networks::InpaintingNetworkImpl& network,
                                 const networks::SourceFeatures& features,
                                 const std::vector<Pose>& poses,
                                 const Rounding& rounding) {
  Painter painter(network, features, rounding);
  const size_t step = std::max<size_t>(poses.size() / kCalibratingFrames, 1);
  for (size_t i = 0; i < poses.size(); i += step) {
    painter.Paint(poses[i], Painter::Stage::kCalibrate);
  }
  painter.EndCalibration();
  std::vector<Tensor> frames;
  for (const Pose& pose : poses) {
    frames.push_back(painter.Paint(pose, Painter::Stage::kRound));
  }
  return frames;
}

absl::Status Run(const std::string& checkpoint) {
  const torch::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(const TrainedModel trained,
                   LoadTrainedModel(checkpoint, torch::kCPU));
  AnimationModel& model = *trained.model;
  model.eval();
  const cv::Size size(trained.config.data().width(),
                      trained.config.data().height());
  ASSIGN_OR_RETURN(const cv::Mat still, media::ReadImage(ExampleSource()));
  ASSIGN_OR_RETURN(const std::vector<Tensor> driving, ReadDriving(size));
  const PreparedSource source = model.PrepareSource(
      data::ImageToTensor(media::CropAndResize(still, size)).unsqueeze(0));
  networks::InpaintingNetworkImpl& network = *model.parts().inpainting;
  Painter exact(network, source.features, {""});
  std::vector<Pose> poses;
  std::vector<Tensor> expected, float32, bfloat16;
  for (const Tensor& image : driving) {
    const Motion motion = model.Move(source, model.DetectKeypoints(image));
    poses.push_back(
        {motion.blend.source_from_driving, motion.blend.occlusion_maps});
    expected.push_back(exact.Paint(poses.back(), Painter::Stage::kExact));
    float32.push_back(model.Paint(source, motion).prediction);
    const AutocastScope autocast(TrainingConfig::BFLOAT16, torch::kCPU);
    bfloat16.push_back(model.Paint(source, motion).prediction);
  }
  std::printf(
      "%s, %d frames of %dx%d, differences in 255ths\n%-56s %8s %8s %8s\n",
      checkpoint.c_str(), static_cast<int>(poses.size()), size.width,
      size.height, "", "largest", "mean", "99.9 %");
  PrintRow("float32", float32, expected);
  PrintRow("bfloat16", bfloat16, expected);
  for (const Rounding& rounding : kRoundings) {
    PrintRow(rounding.name,
             PaintRounded(network, source.features, poses, rounding), expected);
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fprintf(stderr, "usage: %s [CHECKPOINT]\n", argv[0]);
    return 2;
  }
  return pipelines::Exit(
      "int8_deviation",
      pipelines::Run(argc == 2 ? argv[1] : pipelines::PretrainedCheckpoint()));
}
