// Decoding and loading. Run and read:
//
//   tools/bazelw run //pipelines/data:data_benchmark
//
// items_per_second are frames (BM_Read*), pairs (BM_DatasetGet) or batches of 8
// pairs (BM_Loader). BM_DatasetGet/cached:0 decodes a clip of 60 frames for
// each pair and is the slow twin of cached:1.
#include <benchmark/benchmark.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "pipelines/data/clip.h"
#include "pipelines/data/dataset.h"
#include "pipelines/data/loader.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"

namespace pipelines::data {
namespace {

constexpr int kFrames = 60, kClips = 8;

std::string Folder() {
  static const std::string* const folder = [] {
    std::string path = "/tmp/data_benchmark_XXXXXX";
    return new std::string(mkdtemp(path.data()));
  }();
  return *folder;
}

std::string Video(int side) {
  const std::string path = absl::StrCat(Folder(), "/", side, ".mp4");
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    media::WriteNumberedVideo(path, cv::Size(side, side), kFrames);
  }
  return path;
}

std::unique_ptr<Dataset> MakeDataset(bool cached) {
  DatasetOptions options;
  options.root = Folder() + "/dataset";
  mkdir(options.root.c_str(), 0755);
  mkdir((options.root + "/train").c_str(), 0755);
  for (int i = 0; i < kClips; ++i) {
    media::WriteNumberedStack(absl::StrCat(options.root, "/train/", i, ".png"),
                              64, kFrames);
  }
  options.repeats = 100;
  options.cache_bytes = cached ? int64_t{1} << 30 : 0;
  options.augmentation.horizontal_flip = options.augmentation.time_flip = true;
  options.augmentation.hue = options.augmentation.contrast = 0.1;
  return *Dataset::Open(options);
}

void BM_ReadVideo(benchmark::State& state) {
  const std::string path = Video(static_cast<int>(state.range(0)));
  media::FrameSourceOptions options;
  options.threads = static_cast<int>(state.range(1));
  int64_t frames = 0;
  for (auto _ : state) {
    const auto reader = media::VideoReader::Open(path, options);
    while ((*reader)->Next()->has_value()) ++frames;
  }
  state.SetItemsProcessed(frames);
}
BENCHMARK(BM_ReadVideo)
    ->ArgNames({"side", "threads"})
    ->ArgsProduct({{64, 256, 512}, {1, 2}})
    ->UseRealTime();

void BM_ProbeVideo(benchmark::State& state) {
  const std::string path = Video(256);
  for (auto _ : state) benchmark::DoNotOptimize(ProbeClip(path));
}
BENCHMARK(BM_ProbeVideo);

void BM_WriteVideo(benchmark::State& state) {
  const int side = static_cast<int>(state.range(0));
  for (auto _ : state) {
    media::WriteNumberedVideo(Folder() + "/written.mp4", cv::Size(side, side),
                              kFrames);
  }
  state.SetItemsProcessed(state.iterations() * kFrames);
}
BENCHMARK(BM_WriteVideo)->ArgName("side")->Arg(64)->Arg(256)->UseRealTime();

void BM_DatasetGet(benchmark::State& state) {
  const auto dataset = MakeDataset(state.range(0) == 1);
  int64_t position = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(dataset->Get(0, position++ % dataset->size()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DatasetGet)->ArgName("cached")->Arg(0)->Arg(1);

void BM_Loader(benchmark::State& state) {
  const auto dataset = MakeDataset(/*cached=*/true);
  LoaderOptions options;
  options.num_workers = static_cast<int>(state.range(0));
  const auto loader = *Loader::Create(dataset.get(), options);
  for (auto _ : state) benchmark::DoNotOptimize(loader->Next());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Loader)->ArgName("workers")->Arg(0)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
}  // namespace pipelines::data
