#include "pipelines/data/index_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "networks/weights/sha256.h"
#include "pipelines/base/user_path.h"

namespace pipelines::data {
namespace {

namespace fs = std::filesystem;

constexpr int kVersion = 6;

std::string InFolder(const std::string& folder) {
  return folder + "/.clip_index";
}

// Named by the folder's path.
std::string InUsersCache(const std::string& folder) {
  std::error_code error;
  networks::weights::Sha256 digest;
  digest.Add(fs::weakly_canonical(folder, error).string());
  return absl::StrCat(CacheFolder(), "/clip_index/",
                      absl::BytesToHexString(digest.Finish()));
}

std::string DigestOf(absl::string_view bytes) {
  networks::weights::Sha256 digest;
  digest.Add(bytes);
  return digest.Finish();
}

// The file is the SHA-256 of the rest, and a ClipIndexProto.
std::string FileOf(const ClipIndexProto& index) {
  const std::string bytes = index.SerializeAsString();
  return absl::StrCat(DigestOf(bytes), bytes);
}

// Damage is replaced; what cannot be read for another reason, or is of a later
// version, stays for whoever can read it.
IndexCache::Saved ReadIndex(const std::string& path) {
  IndexCache::Saved saved;
  networks::files::ReadOptions options;
  options.max_bytes = int64_t{1} << 30;  // some hundred bytes a clip
  const absl::StatusOr<std::string> content =
      networks::files::ReadFile(path, options);
  if (!content.ok()) {
    saved.may_be_replaced = absl::IsNotFound(content.status());
    return saved;
  }
  constexpr size_t kSize = networks::weights::Sha256::kSize;
  if (content->size() < kSize) return saved;
  const absl::string_view bytes = absl::string_view(*content).substr(kSize);
  if (absl::string_view(*content).substr(0, kSize) != DigestOf(bytes) ||
      !saved.index.ParseFromArray(bytes.data(),
                                  static_cast<int>(bytes.size()))) {
    saved.index.Clear();
    return saved;
  }
  saved.may_be_replaced = saved.index.version() <= kVersion;
  if (saved.index.version() != kVersion) saved.index.Clear();
  return saved;
}

bool AreSame(const ClipRecord& a, const ClipRecord& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

// A file that changes again within a tick of its clock would look unchanged.
bool IsSettled(const ClipRecord& record) {
  constexpr absl::Duration kCoarsestClock = absl::Seconds(2);
  return absl::FromUnixNanos(record.modified_ns()) <
         absl::Now() - kCoarsestClock;
}

int64_t ModifiedNs(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec;
}

// What is written into a frame leaves its folder's own time as it was.
void StampFrames(const std::string& folder, ClipRecord* stamp) {
  stamp->set_bytes(0);
  const auto names = networks::files::ListFolder(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    struct stat info;
    if (stat(absl::StrCat(folder, "/", name).c_str(), &info) != 0) continue;
    stamp->set_modified_ns(std::max(stamp->modified_ns(), ModifiedNs(info)));
    stamp->set_bytes(stamp->bytes() + info.st_size);
  }
}

}  // namespace

ClipRecord Stamp(const std::string& path, const std::string& name) {
  ClipRecord stamp;
  stamp.set_name(name);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return stamp;
  stamp.set_modified_ns(ModifiedNs(info));
  stamp.set_bytes(info.st_size);
  if (S_ISDIR(info.st_mode)) StampFrames(path, &stamp);
  return stamp;
}

IndexCache::IndexCache(std::string folder) : folder_(std::move(folder)) {
  in_folder_ = ReadIndex(InFolder(folder_));
  in_users_cache_ = ReadIndex(InUsersCache(folder_));
  // Either may be the older one: the folder's where it cannot be written now,
  // the cache's where it could not be once.
  for (const Saved* saved : {&in_folder_, &in_users_cache_}) {
    for (const ClipRecord& record : saved->index.clips()) {
      records_.emplace(record.name(), record);
    }
  }
}

const ClipRecord* IndexCache::Find(const ClipRecord& stamp) const {
  const auto [begin, end] = records_.equal_range(stamp.name());
  for (auto found = begin; found != end; ++found) {
    if (found->second.modified_ns() == stamp.modified_ns() &&
        found->second.bytes() == stamp.bytes()) {
      return &found->second;
    }
  }
  return nullptr;
}

void IndexCache::Save(const std::vector<ClipRecord>& records) const {
  ClipIndexProto index;
  index.set_version(kVersion);
  bool changed = false;
  for (const ClipRecord& record : records) {
    const ClipRecord* known = Find(record);
    // What is known was settled when it was saved, by the clock of that time.
    if (known == nullptr && !IsSettled(record)) continue;
    *index.add_clips() = record;
    changed = changed || known == nullptr || !AreSame(*known, record);
  }
  const int num_clips = index.clips().size();
  if (!changed && (num_clips == in_folder_.index.clips().size() ||
                   num_clips == in_users_cache_.index.clips().size())) {
    return;
  }
  const std::string content = FileOf(index);
  const auto write = [&content](const std::string& path) {
    return networks::files::WriteAtomically(path, content).ok();
  };
  if (in_folder_.may_be_replaced && write(InFolder(folder_))) return;
  if (!in_users_cache_.may_be_replaced) return;
  const std::string path = InUsersCache(folder_);
  if (networks::files::MakeFolder(fs::path(path).parent_path()).ok())
    write(path);
}

}  // namespace pipelines::data
