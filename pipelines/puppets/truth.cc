#include "pipelines/puppets/truth.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "networks/files/plain_text.h"
#include "networks/files/read_file.h"
#include "pipelines/base/format_number.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::puppets {
namespace {

constexpr char kJointsFile[] = "joints.csv";
constexpr char kLayersFile[] = "layers.csv";
constexpr char kOutlinesFile[] = "outlines.csv";
constexpr char kJointsHeader[] = "frame,joint,x,y,visible";
constexpr char kLayersHeader[] = "frame,layer,a,b,c,d,e,f";
constexpr char kOutlinesHeader[] = "layer,piece,radius,x,y";

// A frame's layers, ready to be asked about many points.
class LayerStack {
 public:
  LayerStack(const Truth& truth, int frame) {
    const std::vector<Affine2>& places = truth.frames[frame].frame_from_layer;
    for (size_t layer = 0; layer < places.size(); ++layer) {
      layers_.push_back({&truth.outlines[layer],
                         BoundingDisc(truth.outlines[layer]), places[layer],
                         Inverse(places[layer])});
    }
  }

  int Top(Point2 point) const {
    for (size_t layer = layers_.size() - 1; layer > 0; --layer) {
      if (Covers(layers_[layer], point)) return static_cast<int>(layer);
    }
    return 0;
  }

  Point2 ToLayer(int layer, Point2 point) const {
    return layers_[layer].layer_from_frame(point);
  }
  Point2 FromLayer(int layer, Point2 point) const {
    return layers_[layer].frame_from_layer(point);
  }

 private:
  struct Layer {
    const Outline* outline;
    Disc disc;
    Affine2 frame_from_layer, layer_from_frame;
  };

  static bool Covers(const Layer& layer, Point2 point) {
    const Point2 p = layer.layer_from_frame(point);
    return Length(p - layer.disc.centre) <= layer.disc.radius &&
           SignedDistance(*layer.outline, p) <= 0;
  }

  std::vector<Layer> layers_;
};

using LineReader = std::function<absl::Status(const std::vector<double>&)>;

// Reads a table of numbers; names the file and line of whatever is wrong.
absl::Status ReadTable(const std::string& path, const std::string& header,
                       const LineReader& read_line) {
  absl::StatusOr<std::string> content = networks::files::ReadFile(path);
  if (!content.ok()) {
    return absl::Status(content.status().code(),
                        absl::StrCat(content.status().message(),
                                     "; the folder holds no ground truth"));
  }
  // Windows may have saved it.
  const std::string text = networks::files::PlainText(*std::move(content));
  const size_t columns = std::count(header.begin(), header.end(), ',') + 1;
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines[0] != header) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":1: is '", lines[0].substr(0, 80), "'; must be '", header, "'"));
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    if (i + 1 == lines.size() && lines[i].empty()) break;  // the text's end
    std::vector<double> values;
    for (absl::string_view word : absl::StrSplit(lines[i], ',')) {
      double value;
      if (!absl::SimpleAtod(word, &value) || !std::isfinite(value)) break;
      values.push_back(value);
    }
    absl::Status status = values.size() == columns
                              ? read_line(values)
                              : absl::InvalidArgumentError(absl::StrCat(
                                    "needs ", columns, " numbers"));
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", i + 1, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

// The tables are written in order, so an index repeats the last or is the next.
template <typename T>
absl::StatusOr<T*> RepeatedOrNext(std::vector<T>& items, double index,
                                  absl::string_view what) {
  if (index == items.size() && index < 1e6) items.emplace_back();
  if (index < 0 || index + 1 != items.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " ", index, " is out of order"));
  }
  return &items.back();
}

absl::Status ReadOutlines(const std::string& path, Truth& truth) {
  truth.outlines.emplace_back();  // the background
  RETURN_IF_ERROR(ReadTable(
      path, kOutlinesHeader, [&](const std::vector<double>& v) -> absl::Status {
        ASSIGN_OR_RETURN(Outline * outline,
                         RepeatedOrNext(truth.outlines, v[0], "layer"));
        ASSIGN_OR_RETURN(Piece * piece,
                         RepeatedOrNext(*outline, v[1], "piece"));
        piece->radius = v[2];
        piece->corners.push_back({v[3], v[4]});
        return absl::OkStatus();
      }));
  return absl::OkStatus();
}

absl::Status ReadLayers(const std::string& path, Truth& truth) {
  return ReadTable(
      path, kLayersHeader, [&](const std::vector<double>& v) -> absl::Status {
        ASSIGN_OR_RETURN(FrameTruth * frame,
                         RepeatedOrNext(truth.frames, v[0], "frame"));
        if (v[1] != frame->frame_from_layer.size()) {
          return absl::InvalidArgumentError(
              absl::StrCat("layer ", v[1], " is out of order"));
        }
        if (v[2] * v[6] == v[3] * v[5]) {
          return absl::InvalidArgumentError("the map cannot be inverted");
        }
        frame->frame_from_layer.push_back({v[2], v[3], v[4], v[5], v[6], v[7]});
        return absl::OkStatus();
      });
}

absl::Status ReadJoints(const std::string& path, Truth& truth) {
  size_t lines = 0;
  RETURN_IF_ERROR(ReadTable(
      path, kJointsHeader, [&](const std::vector<double>& v) -> absl::Status {
        const size_t frame = lines / kNumJoints;
        const size_t joint = lines % kNumJoints;
        if (frame >= truth.frames.size() || v[0] != frame || v[1] != joint) {
          return absl::InvalidArgumentError("frame or joint is out of order");
        }
        truth.frames[frame].joints[joint] = {{v[2], v[3]}, v[4] != 0};
        ++lines;
        return absl::OkStatus();
      }));
  if (lines != truth.frames.size() * kNumJoints) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ends after ", lines, " joints; ", kLayersFile,
                     " has ", truth.frames.size(), " frames of ", kNumJoints));
  }
  return absl::OkStatus();
}

}  // namespace

int TopLayer(const Truth& truth, int frame, Point2 point) {
  return LayerStack(truth, frame).Top(point);
}

cv::Mat TopLayers(const Truth& truth, int frame, int size) {
  const LayerStack layers(truth, frame);
  cv::Mat_<int> top(size, size);
  const double step = 2.0 / (size - 1);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      top(row, column) = layers.Top({column * step - 1, row * step - 1});
    }
  }
  return top;
}

cv::Mat SourceFromDriving(const Truth& truth, int source, int driving,
                          int size) {
  const LayerStack source_layers(truth, source);
  const LayerStack driving_layers(truth, driving);
  cv::Mat_<cv::Vec3f> flow(size, size);
  const double step = 2.0 / (size - 1);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const Point2 pixel{column * step - 1, row * step - 1};
      const int layer = driving_layers.Top(pixel);
      const Point2 origin =
          source_layers.FromLayer(layer, driving_layers.ToLayer(layer, pixel));
      // The last bit of a product of maps must not push a border pixel out.
      const bool in_frame =
          std::max(std::abs(origin.x), std::abs(origin.y)) <= 1 + 1e-9;
      const bool visible = in_frame && source_layers.Top(origin) == layer;
      flow(row, column) = {static_cast<float>(origin.x),
                           static_cast<float>(origin.y), visible ? 1.0f : 0.0f};
    }
  }
  return flow;
}

std::vector<TruthFile> TruthFiles(const Truth& truth) {
  std::string outlines = absl::StrCat(kOutlinesHeader, "\n");
  for (size_t layer = 0; layer < truth.outlines.size(); ++layer) {
    for (size_t piece = 0; piece < truth.outlines[layer].size(); ++piece) {
      const Piece& part = truth.outlines[layer][piece];
      for (Point2 corner : part.corners) {
        absl::StrAppend(&outlines, layer, ",", piece, ",",
                        FormatNumber(part.radius), ",", FormatNumber(corner.x),
                        ",", FormatNumber(corner.y), "\n");
      }
    }
  }
  std::string layers = absl::StrCat(kLayersHeader, "\n");
  std::string joints = absl::StrCat(kJointsHeader, "\n");
  for (size_t frame = 0; frame < truth.frames.size(); ++frame) {
    const FrameTruth& state = truth.frames[frame];
    for (size_t layer = 0; layer < state.frame_from_layer.size(); ++layer) {
      const Affine2& map = state.frame_from_layer[layer];
      absl::StrAppend(&layers, frame, ",", layer);
      for (double x : {map.a, map.b, map.c, map.d, map.e, map.f}) {
        absl::StrAppend(&layers, ",", FormatNumber(x));
      }
      absl::StrAppend(&layers, "\n");
    }
    for (int joint = 0; joint < kNumJoints; ++joint) {
      const JointState& j = state.joints[joint];
      absl::StrAppend(&joints, frame, ",", joint, ",",
                      FormatNumber(j.position.x), ",",
                      FormatNumber(j.position.y), ",", j.visible ? 1 : 0, "\n");
    }
  }
  return {{kOutlinesFile, std::move(outlines)},
          {kLayersFile, std::move(layers)},
          {kJointsFile, std::move(joints)}};
}

absl::StatusOr<Truth> ReadTruth(const std::string& folder) {
  Truth truth;
  RETURN_IF_ERROR(
      ReadOutlines(absl::StrCat(folder, "/", kOutlinesFile), truth));
  const std::string layers_path = absl::StrCat(folder, "/", kLayersFile);
  RETURN_IF_ERROR(ReadLayers(layers_path, truth));
  for (const FrameTruth& frame : truth.frames) {
    if (frame.frame_from_layer.size() != truth.outlines.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          layers_path, ": a frame has ", frame.frame_from_layer.size(),
          " layers; ", kOutlinesFile, " has ", truth.outlines.size()));
    }
  }
  RETURN_IF_ERROR(ReadJoints(absl::StrCat(folder, "/", kJointsFile), truth));
  return truth;
}

}  // namespace pipelines::puppets
