#include "tools/studio/warp/warp_request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using nlohmann::json;

struct Range {
  double low, high;
};

// `text`, cut to a length that fits into a message.
std::string Short(std::string text) {
  constexpr size_t kLongest = 40;
  if (text.size() <= kLongest) return text;
  return absl::StrCat(text.substr(0, kLongest), "...");
}

std::string Shown(const json& value) {
  if (value.is_array()) return absl::StrCat("a list of ", value.size());
  if (value.is_object()) return "an object";
  return Short(value.dump(-1, ' ', /*ensure_ascii=*/true,
                          json::error_handler_t::replace));
}

absl::Status WrongType(absl::string_view field, const json& value,
                       absl::string_view wanted) {
  return FieldError(field, absl::StrCat("is ", Shown(value), "; use ", wanted));
}

absl::Status ReadNumber(absl::string_view field, const json& value, Range range,
                        double* number) {
  const std::string wanted =
      absl::StrCat("a number from ", range.low, " to ", range.high);
  if (!value.is_number()) return WrongType(field, value, wanted);
  *number = value.get<double>();
  if (!(*number >= range.low && *number <= range.high)) {
    return WrongType(field, value, wanted);
  }
  return absl::OkStatus();
}

absl::Status ReadInteger(absl::string_view field, const json& value, int low,
                         int high, int* number) {
  const auto is_in_range = [&](auto n) {
    return n >= static_cast<decltype(n)>(low) &&
           n <= static_cast<decltype(n)>(high);
  };
  const bool fits =
      value.is_number_unsigned()
          ? is_in_range(value.get<uint64_t>())
          : value.is_number_integer() && is_in_range(value.get<int64_t>());
  if (!fits) {
    return WrongType(field, value,
                     absl::StrCat("an integer from ", low, " to ", high));
  }
  *number = value.get<int>();
  return absl::OkStatus();
}

absl::Status ReadBool(absl::string_view field, const json& value, bool* flag) {
  if (!value.is_boolean()) return WrongType(field, value, "true or false");
  *flag = value.get<bool>();
  return absl::OkStatus();
}

// One of `names`, which stand in the order of the enum's values.
template <typename Enum>
absl::Status ReadName(absl::string_view field, const json& value,
                      std::initializer_list<absl::string_view> names,
                      Enum* chosen) {
  if (value.is_string()) {
    const auto found =
        std::find(names.begin(), names.end(),
                  absl::string_view(value.get_ref<const std::string&>()));
    if (found != names.end()) {
      *chosen = static_cast<Enum>(found - names.begin());
      return absl::OkStatus();
    }
  }
  return WrongType(field, value,
                   absl::StrCat("one of ", absl::StrJoin(names, ", ")));
}

absl::Status ReadCells(const json& value, cpab::TessellationOptions* options) {
  if (!value.is_array() || value.size() != 2) {
    return WrongType("cells", value, "two integers, as [4, 4]");
  }
  RETURN_IF_ERROR(
      ReadInteger("cells[0]", value[0], 1, kMaxWarpCells, &options->nx));
  return ReadInteger("cells[1]", value[1], 1, kMaxWarpCells, &options->ny);
}

absl::Status ReadPrior(const json& value, cpab::PriorOptions* prior) {
  if (!value.is_object()) {
    return WrongType("prior", value,
                     "an object with length_scale, speed and gradient");
  }
  for (const auto& [name, number] : value.items()) {
    const std::string field = absl::StrCat("prior.", Short(name));
    if (name == "length_scale") {
      RETURN_IF_ERROR(
          ReadNumber(field, number, {0.01, 10}, &prior->length_scale));
    } else if (name == "speed") {
      RETURN_IF_ERROR(ReadNumber(field, number, {0.001, 100}, &prior->speed));
    } else if (name == "gradient") {
      RETURN_IF_ERROR(ReadNumber(field, number, {0, 100}, &prior->gradient));
    } else {
      return FieldError(field,
                        "is not a field; use length_scale, speed and gradient");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadPoint(absl::string_view field, const json& value, Range range,
                       Eigen::Ref<Eigen::Vector2d> point) {
  if (!value.is_array() || value.size() != 2) {
    return WrongType(field, value, "two numbers, as [0.5, 0.5]");
  }
  for (int axis = 0; axis < 2; ++axis) {
    RETURN_IF_ERROR(ReadNumber(absl::StrCat(field, "[", axis, "]"), value[axis],
                               range, &point[axis]));
  }
  return absl::OkStatus();
}

absl::Status ReadPair(const std::string& field, const json& value, int k,
                      cpab::KeypointPairs* pairs) {
  if (!value.is_object()) {
    return WrongType(field, value, "an object with from and to");
  }
  for (const auto& [name, ignored] : value.items()) {
    if (name != "from" && name != "to") {
      return FieldError(absl::StrCat(field, ".", Short(name)),
                        "is not a field; use from and to");
    }
  }
  for (const char* name : {"from", "to"}) {
    if (!value.contains(name)) {
      return FieldError(absl::StrCat(field, ".", name),
                        "is missing; give two numbers, as [0.5, 0.5]");
    }
  }
  RETURN_IF_ERROR(ReadPoint(absl::StrCat(field, ".from"), value["from"], {0, 1},
                            pairs->from.col(k)));
  return ReadPoint(absl::StrCat(field, ".to"), value["to"], {-1, 2},
                   pairs->to.col(k));
}

// An invertible map takes one point to one place, and two points to two.
absl::Status CheckDistinct(const Eigen::Matrix2Xd& points,
                           absl::string_view name) {
  for (int k = 1; k < points.cols(); ++k) {
    for (int other = 0; other < k; ++other) {
      const double distance = (points.col(k) - points.col(other)).norm();
      if (distance >= kMinPointDistance) continue;
      return FieldError(absl::StrCat("points[", k, "].", name),
                        absl::StrCat("equals points[", other, "].", name,
                                     "; move or remove one of them"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadPoints(const json& value, cpab::KeypointPairs* pairs) {
  if (!value.is_array()) {
    return WrongType("points", value, "a list of {from, to}");
  }
  if (value.size() > kMaxWarpPoints) {
    return FieldError(
        "points", absl::StrCat("has ", value.size(), " points; use at most ",
                               kMaxWarpPoints));
  }
  const int count = static_cast<int>(value.size());
  pairs->from.resize(2, count);
  pairs->to.resize(2, count);
  for (int k = 0; k < count; ++k) {
    RETURN_IF_ERROR(
        ReadPair(absl::StrCat("points[", k, "]"), value[k], k, pairs));
  }
  RETURN_IF_ERROR(CheckDistinct(pairs->from, "from"));
  return CheckDistinct(pairs->to, "to");
}

absl::Status ReadOverlays(const json& value, WarpRequest* request) {
  if (!value.is_array()) {
    return WrongType("overlays", value, "a list of grid and velocity");
  }
  for (size_t i = 0; i < value.size(); ++i) {
    enum class Overlay { kGrid, kVelocity };
    Overlay overlay = Overlay::kGrid;
    RETURN_IF_ERROR(ReadName(absl::StrCat("overlays[", i, "]"), value[i],
                             {"grid", "velocity"}, &overlay));
    (overlay == Overlay::kGrid ? request->has_grid : request->has_velocity) =
        true;
  }
  return absl::OkStatus();
}

absl::Status ReadTrace(const json& value, Eigen::Matrix2Xd* places) {
  if (!value.is_array() || value.size() > kMaxWarpPoints) {
    return WrongType(
        "trace", value,
        absl::StrCat("a list of at most ", kMaxWarpPoints, " places"));
  }
  places->resize(2, static_cast<Eigen::Index>(value.size()));
  for (int n = 0; n < places->cols(); ++n) {
    RETURN_IF_ERROR(ReadPoint(absl::StrCat("trace[", n, "]"), value[n], {-1, 2},
                              places->col(n)));
  }
  return absl::OkStatus();
}

absl::Status ReadField(const std::string& name, const json& value,
                       WarpRequest* request) {
  cpab::TessellationOptions& tessellation = request->tessellation;
  if (name == "picture") return absl::OkStatus();
  if (name == "size") {
    return ReadInteger(name, value, kMinWarpSize, kMaxWarpSize, &request->size);
  }
  if (name == "cells") return ReadCells(value, &tessellation);
  if (name == "zero_boundary") {
    return ReadBool(name, value, &tessellation.zero_boundary);
  }
  if (name == "volume") {
    return ReadBool(name, value, &tessellation.volume_preserving);
  }
  if (name == "tension") {
    return ReadNumber(name, value, {0.001, 1000}, &request->fit.tension);
  }
  if (name == "prior") return ReadPrior(value, &request->fit.prior);
  if (name == "points") return ReadPoints(value, &request->points);
  if (name == "model") {
    return ReadName(name, value, {"cpab", "thin_plate", "affine"},
                    &request->model);
  }
  if (name == "view") {
    return ReadName(name, value, {"picture", "inverse", "det"}, &request->view);
  }
  if (name == "overlays") return ReadOverlays(value, request);
  if (name == "trace") return ReadTrace(value, &request->trace);
  return FieldError(Short(name),
                    "is not a field; use picture, size, cells, zero_boundary, "
                    "volume, tension, prior, points, model, view, overlays "
                    "and trace");
}

}  // namespace

absl::StatusOr<WarpRequest> ParseWarpRequest(const json& json) {
  if (!json.is_object()) {
    return absl::InvalidArgumentError(
        "the request is not a JSON object; send {\"points\": [...], ...}");
  }
  WarpRequest request;
  request.tessellation.zero_boundary = true;
  for (const auto& [name, value] : json.items()) {
    RETURN_IF_ERROR(ReadField(name, value, &request));
  }
  const cpab::TessellationOptions& tessellation = request.tessellation;
  if (tessellation.nx == 1 && tessellation.ny == 1 &&
      tessellation.zero_boundary && tessellation.volume_preserving) {
    return FieldError("cells",
                      "is [1, 1], which with zero_boundary and volume leaves "
                      "no field but zero; use more cells");
  }
  return request;
}

}  // namespace studio
