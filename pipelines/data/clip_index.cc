#include "pipelines/data/clip_index.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "pipelines/base/caught_exception.h"
#include "pipelines/base/joined_threads.h"
#include "pipelines/data/clip_index.pb.h"
#include "pipelines/data/index_cache.h"
#include "pipelines/media/image_folder.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

// Calls work(0) .. work(n - 1), each once, from several threads, or the calling
// one alone where no more can be started. Throws what one of them threw, after
// all have ended.
template <typename Work>
void ParallelFor(size_t n, int num_threads, const Work& work) {
  const size_t num = num_threads > 0
                         ? static_cast<size_t>(num_threads)
                         : std::max(1u, std::thread::hardware_concurrency());
  std::atomic<size_t> next{0};
  CaughtException caught;
  const auto run = [&] {
    caught
        .StatusOf([&] {
          for (size_t i = next++; i < n; i = next++) work(i);
          return absl::OkStatus();
        })
        .IgnoreError();
  };
  JoinedThreads threads;
  if (n > 1) threads.Start(std::min(n, num) - 1, run).IgnoreError();
  run();
  threads.Join();
  caught.Rethrow();
}

// Without endings, unless that would give two clips one name: walk.1 and
// walk.2, which are folders, or a.mp4 and a.gif.
void NameClips(std::vector<IndexedClip>& clips) {
  using networks::files::BaseName;
  using networks::files::Stem;
  std::map<std::string, int> uses;
  for (const IndexedClip& clip : clips) {
    ++uses[Stem(clip.path)];
    if (Stem(clip.path) != BaseName(clip.path)) ++uses[BaseName(clip.path)];
  }
  for (IndexedClip& clip : clips) {
    const std::string stem = Stem(clip.path);
    clip.name = uses[stem] == 1 ? stem : BaseName(clip.path);
    clip.identity = clip.name.substr(0, clip.name.find('#'));
  }
}

// Whether what is wrong lies in the content: another look gives the same. (A
// file that may not be read today may be tomorrow, without having changed.)
bool IsLasting(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsDataLoss(status);
}

// What is wrong is kept without the folder, which may lie elsewhere later.
void Describe(const absl::StatusOr<ClipInfo>& info, const std::string& folder,
              ClipRecord* record) {
  if (!info.ok()) {
    record->set_bad(
        absl::StrReplaceAll(info.status().message(), {{folder + "/", ""}}));
    return;
  }
  record->set_num_frames(info->num_frames);
  record->set_width(info->size.width);
  record->set_height(info->size.height);
  record->set_random_access(info->random_access);
}

std::string WhatIsWrong(const ClipRecord& record, const std::string& folder) {
  return absl::StartsWith(record.bad(), record.name())
             ? absl::StrCat(folder, "/", record.bad())
             : record.bad();
}

// A log, a sound or a pipe beside the clips was never meant as one.
bool MayBeMeantAsClip(const std::string& path) {
  std::error_code error;
  return media::HasPictureEnding(path) || media::HasVideoEnding(path) ||
         std::filesystem::is_directory(path, error);
}

ClipInfo InfoOf(const ClipRecord& record) {
  ClipInfo info;
  info.num_frames = record.num_frames();
  info.size = cv::Size(record.width(), record.height());
  info.random_access = record.random_access();
  return info;
}

}  // namespace

absl::StatusOr<ClipIndex> IndexClips(const DatasetOptions& options) {
  const std::string folder = absl::StrCat(options.root, "/", options.split);
  ASSIGN_OR_RETURN(std::vector<std::string> names,
                   networks::files::ListFolder(folder));
  names.erase(std::remove_if(names.begin(), names.end(), media::IsSidecar),
              names.end());
  const IndexCache cache(folder);
  std::vector<ClipRecord> records(names.size());
  std::vector<char> is_lasting(names.size(), true);
  std::mutex mutex;
  int64_t done = 0;
  ParallelFor(names.size(), options.num_index_threads, [&](size_t i) {
    const std::string path = absl::StrCat(folder, "/", names[i]);
    records[i] = Stamp(path, names[i]);
    if (const ClipRecord* known = cache.Find(records[i])) {
      records[i] = *known;
    } else {
      const absl::StatusOr<ClipInfo> info = ProbeClip(path);
      is_lasting[i] = info.ok() || IsLasting(info.status());
      Describe(info, folder, &records[i]);
    }
    const std::lock_guard<std::mutex> lock(mutex);
    ++done;
    if (!options.index_progress) return;
    options.index_progress(
        {"index", "clips", done, static_cast<int64_t>(names.size()), ""});
  });
  ClipIndex index;
  std::vector<ClipRecord> lasting;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(folder, "/", names[i]);
    if (is_lasting[i]) lasting.push_back(records[i]);
    if (records[i].has_bad()) {
      index.bad.push_back(
          {path, WhatIsWrong(records[i], folder),
           // What may not be read today says nothing of its content.
           !is_lasting[i] || MayBeMeantAsClip(path)});
      continue;
    }
    IndexedClip& clip = index.clips.emplace_back();
    clip.path = path;
    clip.info = InfoOf(records[i]);
    clip.modified_ns = records[i].modified_ns();
    clip.bytes = records[i].bytes();
  }
  const bool holds_clips =
      !index.clips.empty() ||
      std::any_of(index.bad.begin(), index.bad.end(),
                  [](const BadClip& clip) { return clip.counts; });
  if (!holds_clips) {
    return absl::NotFoundError(absl::StrCat(
        folder, " holds no clips",
        index.bad.empty() ? "" : absl::StrCat("; ", LeftOut(index.bad[0]))));
  }
  NameClips(index.clips);
  cache.Save(lasting);
  return index;
}

}  // namespace pipelines::data
