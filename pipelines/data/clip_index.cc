#include "pipelines/data/clip_index.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "pipelines/data/file_io.h"
#include "pipelines/data/image_folder.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

// Calls work(0) .. work(n - 1), each once, from several threads.
template <typename Work>
void ParallelFor(size_t n, int num_threads, const Work& work) {
  const size_t num = num_threads > 0
                         ? static_cast<size_t>(num_threads)
                         : std::max(1u, std::thread::hardware_concurrency());
  std::atomic<size_t> next{0};
  const auto run = [&] {
    for (size_t i = next++; i < n; i = next++) work(i);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(n, num); ++i) threads.emplace_back(run);
  run();
  for (std::thread& thread : threads) thread.join();
}

IndexedClip NameClip(const std::string& path) {
  IndexedClip clip;
  clip.path = path;
  clip.name = Stem(path);
  clip.identity = clip.name.substr(0, clip.name.find('#'));
  return clip;
}

}  // namespace

absl::StatusOr<ClipIndex> IndexClips(const std::string& folder,
                                     int num_threads) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolder(folder));
  names.erase(std::remove_if(names.begin(), names.end(), IsSidecar),
              names.end());
  if (names.empty()) {
    return absl::NotFoundError(absl::StrCat(folder, " holds no clips"));
  }
  std::vector<absl::StatusOr<ClipInfo>> infos(names.size());
  ParallelFor(names.size(), num_threads, [&](size_t i) {
    infos[i] = ProbeClip(absl::StrCat(folder, "/", names[i]));
  });
  ClipIndex index;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(folder, "/", names[i]);
    if (infos[i].ok()) {
      index.clips.push_back(NameClip(path));
      index.clips.back().info = *infos[i];
    } else {
      index.bad.push_back({path, std::string(infos[i].status().message())});
    }
  }
  return index;
}

}  // namespace pipelines::data
