#include "tools/studio/api/checkpoints.h"

#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/text_format.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "nlohmann/json.hpp"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/checkpoint/checkpoint_files.h"
#include "pipelines/config/motion_choice.h"

namespace studio {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;

// A head of this size holds 100,000 tensors.
constexpr uint64_t kMaxHeadBytes = uint64_t{16} << 20;
constexpr size_t kMaxFiles = 500;

bool IsCheckpointName(absl::string_view name) {
  return absl::EndsWith(name, ".safetensors") ||
         absl::EndsWith(name, ".pth.tar");
}

// Of the path alone, so that it is the same after a restart.
std::string IdOf(const std::string& path) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(path.data()), path.size(),
         digest);
  std::string id;
  absl::WebSafeBase64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), 16), &id);
  return id;
}

std::vector<std::string> CheckpointsIn(const std::string& folder) {
  std::vector<std::string> paths;
  const absl::StatusOr<std::vector<std::string>> names =
      networks::files::ListFolder(folder);
  if (!names.ok()) return paths;
  for (const std::string& name : *names) {
    if (IsCheckpointName(name))
      paths.push_back(absl::StrCat(folder, "/", name));
  }
  return paths;
}

// As pipelines/checkpoint/run_checkpoint.h, which needs LibTorch.
std::optional<std::string> CheckpointOfRun(const std::string& run) {
  const std::string folder = absl::StrCat(run, "/checkpoints");
  const std::string best =
      absl::StrCat(folder, "/", pipelines::kBestCheckpoint);
  std::error_code error;
  if (fs::is_regular_file(best, error)) return best;
  const std::vector<std::string> paths = pipelines::ListCheckpoints(folder);
  if (paths.empty()) return std::nullopt;
  return paths.front();
}

struct Head {
  json metadata;  // null where it has none
  bool has_avd = false;
};

// The head of a safetensors file; empty where it cannot be read.
std::optional<Head> ReadHead(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  unsigned char length[8] = {};
  file.read(reinterpret_cast<char*>(length), sizeof(length));
  uint64_t bytes = 0;
  for (int i = 7; i >= 0; --i) bytes = bytes << 8 | length[i];
  if (!file || bytes > kMaxHeadBytes) return std::nullopt;
  std::string text(bytes, '\0');
  file.read(&text[0], static_cast<std::streamsize>(bytes));
  if (!file) return std::nullopt;
  Head head;
  const json parsed = json::parse(
      text,
      // Tensors are passed over as they are read.
      [&head](int depth, json::parse_event_t event, json& value) {
        if (depth != 1 || event != json::parse_event_t::key) return true;
        const auto& name = value.get_ref<const std::string&>();
        if (absl::StartsWith(name, pipelines::kAvdPrefix)) head.has_avd = true;
        return name == "__metadata__";
      },
      /*allow_exceptions=*/false);
  if (!parsed.is_object()) return std::nullopt;
  head.metadata = parsed.value("__metadata__", json());
  return head;
}

void Describe(CheckpointFile* file) {
  const std::optional<Head> head = ReadHead(file->path);
  if (!head) return;
  file->has_avd = head->has_avd;
  const json& metadata = head->metadata;
  if (!metadata.is_object() || !metadata.contains("state") ||
      !metadata["state"].is_string()) {
    return;
  }
  pipelines::CheckpointState state;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  if (!parser.ParseFromString(metadata["state"].get<std::string>(), &state)) {
    return;
  }
  const pipelines::Config& config = state.config();
  file->width = config.data().width();
  file->sets = config.model().num_transforms();
  file->motion = pipelines::MotionName(config.model().local());
}

bool ReadFacts(CheckpointFile* file) {
  struct stat status;
  if (stat(file->path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return false;
  }
  file->bytes = status.st_size;
  file->modified = absl::TimeFromTimespec(status.st_mtim);
  if (absl::EndsWith(file->path, ".safetensors")) Describe(file);
  return true;
}

// The last `count` names of a path: "b/c" of "/a/b/c/".
std::string LastNames(const std::string& path, int count) {
  const std::string whole = networks::files::WithoutTrailingSlashes(path);
  size_t begin = whole.size();
  for (int i = 0; i < count && begin != 0 && begin != std::string::npos; ++i) {
    begin = whole.rfind('/', begin - 1);
  }
  return begin == std::string::npos ? whole : whole.substr(begin + 1);
}

// Two studies have runs of one name, and folders files of one name: then the
// folders above tell them apart. `places`: what each is named after.
void TellApart(const std::vector<std::string>& places,
               std::vector<CheckpointFile>* files) {
  constexpr int kMostNames = 4;
  for (int names = 2; names <= kMostNames; ++names) {
    std::map<std::pair<std::string, std::string>, int> counts;
    for (const CheckpointFile& file : *files) ++counts[{file.from, file.name}];
    for (size_t i = 0; i < files->size(); ++i) {
      CheckpointFile& file = (*files)[i];
      if (counts[{file.from, file.name}] == 1) continue;
      file.name = LastNames(places[i], names);
    }
  }
}

}  // namespace

absl::Status CheckCheckpoints(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error) ||
      (fs::is_regular_file(path, error) && IsCheckpointName(path))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      path, fs::exists(path, error)
                ? ": is no checkpoint, a .safetensors or .pth.tar file; name "
                  "one, or a folder"
                : ": there is no such file or folder"));
}

std::vector<CheckpointFile> Checkpoints::Paths() const {
  std::vector<CheckpointFile> files;
  std::vector<std::string> places;
  std::set<std::string> ids;  // a place may lie in another
  const auto add = [&](const std::string& place, const char* from,
                       const std::string& path) {
    CheckpointFile file;
    const bool is_shipped = std::strcmp(from, "shipped") == 0;
    file.id = is_shipped ? "shipped" : IdOf(path);
    if (!ids.insert(file.id).second) return;
    file.name = is_shipped ? networks::files::Stem(place)
                           : networks::files::BaseName(place);
    file.from = from;
    file.path = path;
    files.push_back(std::move(file));
    places.push_back(place);
  };
  if (!places_.shipped.empty())
    add(places_.shipped, "shipped", places_.shipped);
  for (const std::string& path : CheckpointsIn(places_.fetched)) {
    add(path, "fetched", path);
  }
  for (const std::string& folder : places_.folders) {
    std::error_code error;
    if (fs::is_regular_file(folder, error)) {
      add(folder, "folder", folder);
      continue;
    }
    for (const std::string& path : CheckpointsIn(folder)) {
      add(path, "folder", path);
    }
    const std::optional<std::string> of_run = CheckpointOfRun(folder);
    if (of_run) add(folder, "run", *of_run);
  }
  if (places_.runs) {
    for (const std::string& run : places_.runs()) {
      const std::optional<std::string> path = CheckpointOfRun(run);
      if (path) add(run, "run", *path);
    }
  }
  TellApart(places, &files);
  if (files.size() > kMaxFiles) files.resize(kMaxFiles);
  return files;
}

std::vector<CheckpointFile> Checkpoints::List() const {
  std::vector<CheckpointFile> files = Paths();
  files.erase(
      std::remove_if(files.begin(), files.end(),
                     [](CheckpointFile& file) { return !ReadFacts(&file); }),
      files.end());
  return files;
}

absl::StatusOr<std::string> Checkpoints::Find(absl::string_view id) const {
  for (const CheckpointFile& file : Paths()) {
    if (file.id != id) continue;
    std::error_code error;
    if (fs::is_regular_file(file.path, error)) return file.path;
  }
  return absl::NotFoundError(
      "there is no checkpoint with this id, or it has been deleted");
}

json CheckpointToJson(const CheckpointFile& file) {
  json described = {
      {"id", file.id},
      {"name", file.name},
      {"from", file.from},
      {"bytes", file.bytes},
      {"modified", absl::FormatTime(absl::RFC3339_sec, file.modified,
                                    absl::UTCTimeZone())}};
  if (file.width > 0) described["size"] = file.width;
  if (file.sets > 0) described["sets"] = file.sets;
  if (!file.motion.empty()) described["motion"] = file.motion;
  if (file.has_avd) described["avd"] = *file.has_avd;
  return described;
}

}  // namespace studio
