#include "tools/studio/jobs/job_request.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "pipelines/base/quoted_for_shell.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;

constexpr int kMaxSize = 4096;
constexpr int kMaxPixels = 1 << 20;
constexpr int64_t kMaxFrames = int64_t{1} << 40;
constexpr int kMaxSets = 1000;
constexpr double kMaxScale = 2;
constexpr size_t kMaxText = 2000;

// As animate's flags take them; job_worker_test has all of them parsed.
const Names& Modes() {
  static const Names* const names = new Names{"relative", "standard", "avd"};
  return *names;
}
const Names& Starts() {
  static const Names* const names =
      new Names{"first", "auto", "keypoints", "alignment"};
  return *names;
}
const Names& Panels() {
  static const Names* const names =
      new Names{"source",    "driving", "result", "keypoints", "flow",
                "occlusion", "grid",    "warped", "sets"};
  return *names;
}

template <typename... Pieces>
absl::Status Bad(const std::string& field, const Pieces&... pieces) {
  return WithField(field,
                   absl::InvalidArgumentError(absl::StrCat(field, pieces...)));
}

bool IsOneOf(const std::string& name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The value of `field`; null where it is missing or null.
const Json& At(const Json& json, const char* field) {
  static const Json* const nothing = new Json();
  const auto found = json.find(field);
  return found == json.end() ? *nothing : *found;
}

absl::Status ReadText(const Json& json, const char* field, std::string* text) {
  const Json& value = At(json, field);
  if (value.is_null()) return absl::OkStatus();
  if (!value.is_string()) return Bad(field, " is no text");
  if (value.get<std::string>().size() > kMaxText) {
    return Bad(field, " has more than ", kMaxText, " characters");
  }
  *text = value.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadId(const Json& json, const char* field, std::string* id) {
  RETURN_IF_ERROR(ReadText(json, field, id));
  return id->empty() ? Bad(field, " is needed: an id") : absl::OkStatus();
}

template <typename T>
absl::Status ReadNumber(const std::string& field, const Json& value, T least,
                        T most, T* number) {
  if (!value.is_number_integer() || value.get<int64_t>() < least ||
      value.get<int64_t>() > most ||
      (value.is_number_unsigned() &&
       value.get<uint64_t>() > static_cast<uint64_t>(most))) {
    return Bad(field, " is ", value.dump(-1, ' ', true).substr(0, 80),
               "; use a whole number from ", least, " to ", most);
  }
  *number = value.get<T>();
  return absl::OkStatus();
}

template <typename T>
absl::Status ReadCount(const Json& json, const char* field, T most, T* number) {
  const Json& value = At(json, field);
  if (value.is_null()) return absl::OkStatus();
  return ReadNumber<T>(field, value, 0, most, number);
}

absl::Status ReadMode(const Json& json, JobRequest* request) {
  request->mode = pipelines::DefaultMode(request->source == "bundled:puppet" &&
                                         request->driving == "bundled:dance");
  RETURN_IF_ERROR(ReadText(json, "mode", &request->mode));
  if (IsOneOf(request->mode, Modes())) return absl::OkStatus();
  return Bad("mode", " is '", request->mode, "'; use ",
             absl::StrJoin(Modes(), ", "));
}

absl::Status ReadMotion(const Json& json, JobRequest* request) {
  RETURN_IF_ERROR(ReadText(json, "motion", &request->motion));
  if (request->motion.empty()) return absl::OkStatus();
  const absl::Status status = pipelines::ParseMotion(request->motion).status();
  return status.ok() ? status : WithField("motion", status);
}

absl::Status ReadStart(const Json& json, JobRequest* request) {
  const Json& value = At(json, "start_frame");
  if (value.is_null()) return absl::OkStatus();
  if (value.is_number()) {
    int64_t number = 0;
    RETURN_IF_ERROR(
        ReadNumber<int64_t>("start_frame", value, 0, kMaxFrames, &number));
    request->start_frame = absl::StrCat(number);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(ReadText(json, "start_frame", &request->start_frame));
  if (!IsOneOf(request->start_frame, Starts())) {
    return Bad("start_frame", " is '", request->start_frame, "'; use ",
               absl::StrJoin(Starts(), ", "), " or a frame's number from 0");
  }
  if (request->start_frame == "auto") request->start_frame = "keypoints";
  return absl::OkStatus();
}

absl::Status ReadScales(const Json& json, JobRequest* request) {
  const Json& value = At(json, "motion_scales");
  if (value.is_null()) return absl::OkStatus();
  if (!value.is_object()) {
    return Bad("motion_scales", " is no object as {\"1\": 0.8}");
  }
  for (const auto& [key, scale] : value.items()) {
    int set = 0;
    if (!absl::SimpleAtoi(key, &set) || set < 1 || set > kMaxSets ||
        absl::StrCat(set) != key) {
      return Bad("motion_scales", " has the key '", key.substr(0, 80),
                 "'; use the number of a keypoint set, from 1");
    }
    if (!scale.is_number() || !(scale.get<double>() >= 0) ||
        scale.get<double>() > kMaxScale) {
      return Bad("motion_scales", " of keypoint set ", set,
                 " is no number from 0 to ", kMaxScale);
    }
    request->motion_scales[set] = scale.get<double>();
  }
  return absl::OkStatus();
}

absl::Status ReadCrop(const Json& json, JobRequest* request) {
  const Json& value = At(json, "crop");
  if (value.is_null()) return absl::OkStatus();
  if (!value.is_object() || value.size() != 3) {
    return Bad("crop", " is no object as {\"x\": 0, \"y\": 0, \"side\": 256}");
  }
  SourceBox box;
  for (const auto& [name, least, number] :
       {std::make_tuple("x", 0, &box.x), std::make_tuple("y", 0, &box.y),
        std::make_tuple("side", 1, &box.side)}) {
    const absl::Status status =
        ReadNumber<int>(absl::StrCat("crop.", name), At(value, name), least,
                        kMaxPixels, number);
    if (!status.ok()) return WithField("crop", status);
  }
  request->crop = box;
  return absl::OkStatus();
}

absl::Status ReadPanels(const Json& json, JobRequest* request) {
  const Json& value = At(json, "panels");
  if (value.is_null()) return absl::OkStatus();
  if (!value.is_array() || value.empty() || value.size() > Panels().size()) {
    return Bad("panels", " is no list of 1 to ", Panels().size(), " names of ",
               absl::StrJoin(Panels(), ", "));
  }
  request->panels.clear();
  for (const Json& named : value) {
    std::string name = named.is_string() ? named.get<std::string>() : "";
    if (name == "parts") name = "sets";  // its former name
    if (!IsOneOf(name, Panels())) {
      return Bad("panels", " has ", named.dump(-1, ' ', true).substr(0, 80),
                 "; use ", absl::StrJoin(Panels(), ", "));
    }
    request->panels.push_back(std::move(name));
  }
  return absl::OkStatus();
}

absl::Status CheckFields(const Json& json, bool is_motion) {
  std::set<std::string> known = {"type", "driving", "checkpoint", "max_frames"};
  if (!is_motion) {
    known.insert({"source", "mode", "motion", "start_frame", "motion_scales",
                  "crop", "panels", "size"});
  }
  for (const auto& [field, value] : json.items()) {
    if (known.count(field) > 0) continue;
    return WithField(field, absl::InvalidArgumentError(absl::StrCat(
                                "there is no field '", field.substr(0, 80),
                                "'; use ", absl::StrJoin(known, ", "))));
  }
  return absl::OkStatus();
}

// "1=0.8,3=0".
std::string ScalesText(const std::map<int, double>& scales) {
  return absl::StrJoin(scales, ",", [](std::string* out, const auto& scale) {
    absl::StrAppend(out, scale.first, "=", scale.second);
  });
}

// The field of a request that an error is about, by how its message begins or,
// for those of the library, what it contains.
std::string FieldIn(absl::string_view message, const JobFiles& files) {
  constexpr std::pair<const char*, const char*> kBeginnings[] = {
      {"--crop", "crop"},
      {"--motion_scale", "motion_scales"},
      {"--motion", "motion"},
      {"--mode", "mode"},
      {"--start", "start_frame"},
      {"--panels", "panels"},
      {"--size", "size"},
      {"--max_frames", "max_frames"},
      {"motion scale", "motion_scales"},
      {"avd mode", "mode"},
      {"the start is frame", "start_frame"}};
  for (const auto& [beginning, field] : kBeginnings) {
    if (absl::StartsWith(message, beginning)) return field;
  }
  const auto names = [message](const std::string& path) {
    return !path.empty() && absl::StrContains(message, path);
  };
  if (absl::StrContains(message, "relative mode")) return "mode";
  const bool is_of_source = names(files.source);
  if (is_of_source && absl::StrContains(message, ": the crop from")) {
    return "crop";
  }
  if (is_of_source) return "source";
  if (names(files.driving)) return "driving";
  if (names(files.checkpoint)) return "checkpoint";
  return "";
}

// "/runs/mine/best.safetensors": the name alone.
std::string NameOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Json RequestChoices() {
  return {{"modes", Modes()},
          {"motions", pipelines::MotionNames()},
          {"panels", Panels()},
          {"starts", Starts()}};
}

absl::StatusOr<JobRequest> ParseJobRequest(const Json& json) {
  if (!json.is_object()) {
    return absl::InvalidArgumentError("a job is a JSON object");
  }
  JobRequest request;
  std::string type;
  RETURN_IF_ERROR(ReadText(json, "type", &type));
  if (type != "animate" && type != "motion") {
    return Bad("type", " is '", type, "'; use animate or motion");
  }
  request.is_motion = type == "motion";
  RETURN_IF_ERROR(CheckFields(json, request.is_motion));
  RETURN_IF_ERROR(ReadId(json, "driving", &request.driving));
  RETURN_IF_ERROR(ReadId(json, "checkpoint", &request.checkpoint));
  RETURN_IF_ERROR(
      ReadCount(json, "max_frames", kMaxFrames, &request.max_frames));
  if (request.is_motion) return request;
  RETURN_IF_ERROR(ReadId(json, "source", &request.source));
  RETURN_IF_ERROR(ReadMode(json, &request));
  RETURN_IF_ERROR(ReadMotion(json, &request));
  RETURN_IF_ERROR(ReadStart(json, &request));
  RETURN_IF_ERROR(ReadScales(json, &request));
  RETURN_IF_ERROR(ReadCrop(json, &request));
  RETURN_IF_ERROR(ReadPanels(json, &request));
  RETURN_IF_ERROR(ReadCount(json, "size", kMaxSize, &request.size));
  return request;
}

std::vector<std::string> AnimateFlags(const JobRequest& request,
                                      const JobFiles& files) {
  std::vector<std::string> flags;
  const auto add = [&flags](const char* flag, const auto& value) {
    flags.push_back(absl::StrCat("--", flag, "=", value));
  };
  if (!request.is_motion) add("source", files.source);
  add("driving", files.driving);
  add("checkpoint", files.checkpoint);
  const JobRequest defaults;
  if (request.mode != defaults.mode) add("mode", request.mode);
  if (!request.motion.empty()) add("motion", request.motion);
  if (request.start_frame != defaults.start_frame) {
    add("start", request.start_frame);
  }
  if (!request.motion_scales.empty()) {
    add("motion_scale", ScalesText(request.motion_scales));
  }
  if (request.crop) {
    const SourceBox& box = *request.crop;
    add("crop", absl::StrCat(box.x, ",", box.y, ",", box.side, ",", box.side));
  }
  if (request.panels != defaults.panels) {
    add("panels", absl::StrJoin(request.panels, ","));
  }
  if (request.size > 0) add("size", request.size);
  if (request.max_frames > 0) add("max_frames", request.max_frames);
  if (files.device != "auto") add("device", files.device);
  add(request.is_motion ? "save_motion" : "output", files.output);
  return flags;
}

std::string AnimateCommand(const std::string& program,
                           const JobRequest& request, const JobFiles& files) {
  std::string command = program;
  for (const std::string& flag : AnimateFlags(request, files)) {
    absl::StrAppend(&command, " ", pipelines::QuotedForShell(flag));
  }
  return command;
}

absl::Status ExplainError(const absl::Status& error, const JobFiles& files) {
  if (error.ok()) return error;
  std::string message(error.message());
  const std::string field = FieldIn(message, files);
  // "--motion: motion is 'x'; use ..." is clear without the flag.
  if (absl::StartsWith(message, "--")) {
    const size_t colon = message.find(": ");
    const size_t space = message.find(' ');
    message = colon != std::string::npos && colon < space
                  ? message.substr(colon + 2)
                  : message.substr(2);
  }
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& [path, name] :
       {std::pair<std::string, std::string>{files.source, "the picture"},
        {files.driving, "the driving video"},
        {files.checkpoint, NameOf(files.checkpoint)},
        {files.output, "the result"}}) {
    if (!path.empty()) names.emplace_back(path, name);
  }
  return WithField(
      field, absl::Status(error.code(), absl::StrReplaceAll(message, names)));
}

}  // namespace studio
