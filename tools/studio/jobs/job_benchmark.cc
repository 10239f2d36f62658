// What a job costs beside `animate` on the same input, and how long a decoder
// takes to look at an upload.
//
//   tools/bazelw run //tools/studio/jobs:job_benchmark
//
// Both animate the bundled puppet by the bundled dance. "cpu" is the processor
// time of all child processes, which a busy machine changes less than the time
// by the clock; "peak_mb" is the largest that any child was so far.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "nlohmann/json.hpp"
#include "pipelines/base/child_process.h"
#include "pipelines/base/runfile.h"
#include "pipelines/pretrained/pretrained.h"
#include "tools/studio/jobs/decoder_client.h"
#include "tools/studio/jobs/job_queue.h"
#include "tools/studio/store/store.h"

namespace studio {
namespace {

namespace fs = std::filesystem;

rusage OfChildren() {
  rusage usage = {};
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage;
}

double ProcessorSeconds() {
  const rusage usage = OfChildren();
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Runs `work` as often as the benchmark asks, and reports what children took.
template <typename Work>
void Measure(benchmark::State& state, const Work& work) {
  const double begin = ProcessorSeconds();
  for (auto _ : state) {
    if (!work()) {
      state.SkipWithError("it failed");
      return;
    }
  }
  state.counters["cpu"] = benchmark::Counter(
      ProcessorSeconds() - begin, benchmark::Counter::kAvgIterations);
  state.counters["peak_mb"] =
      static_cast<double>(OfChildren().ru_maxrss) / 1024;
}

class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "job_benchmark.XXXXXX";
    if (mkdtemp(&name[0]) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void BM_Animate(benchmark::State& state) {
  const Folder folder;
  const std::string animate =
      fs::absolute(pipelines::RunfilePath("pipelines/animate"));
  Measure(state, [&] {
    return pipelines::RunChild(
               {animate, "--source=" + pipelines::ExampleSource(),
                "--driving=" + pipelines::ExampleDriving(),
                "--checkpoint=" + pipelines::PretrainedCheckpoint(),
                absl::StrCat("--panels=", state.range(0) == 1
                                              ? "result"
                                              : "source,driving,result"),
                // As BM_Job's pair has by itself.
                "--mode=standard", "--device=cpu", "--quiet", "--overwrite",
                "--output=" + folder.path() + "/out.mp4"})
               .value_or(1) == 0;
  });
}

void BM_Job(benchmark::State& state) {
  const Folder folder;
  StoreOptions in_folder;
  in_folder.folder = folder.path() + "/data";
  in_folder.bundled = {{"puppet", "image", pipelines::ExampleSource()},
                       {"dance", "video", pipelines::ExampleDriving()}};
  const std::unique_ptr<Store> store = *Store::Open(in_folder);
  JobQueueOptions options;
  options.store = store.get();
  options.device = "cpu";
  options.checkpoint = [](const std::string&) -> absl::StatusOr<std::string> {
    return pipelines::PretrainedCheckpoint();
  };
  const std::unique_ptr<JobQueue> queue = *JobQueue::Start(options);
  nlohmann::json request = {{"type", "animate"},
                            {"source", "bundled:puppet"},
                            {"driving", "bundled:dance"},
                            {"checkpoint", "bundled"}};
  if (state.range(0) != 1) request["panels"] = {"source", "driving", "result"};
  Measure(state, [&] {
    const absl::StatusOr<Job> job = queue->Submit(request);
    if (!job.ok()) return false;
    // As a page that follows it does.
    int64_t version = 0;
    for (;;) {
      const absl::StatusOr<Job> now =
          queue->Wait(job->id, version, absl::Minutes(10));
      if (!now.ok()) return false;
      if (HasEnded(now->state)) return now->state == JobState::kDone;
      version = now->version;
    }
  });
}

void BM_Probe(benchmark::State& state) {
  const bool is_video = state.range(0) == 1;
  const std::string path =
      is_video ? pipelines::ExampleDriving() : pipelines::ExampleSource();
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const DecoderClient decoder;
  Measure(state, [&] {
    return decoder
        .Probe(descriptor, is_video ? MediaKind::kVideo : MediaKind::kImage)
        .ok();
  });
  close(descriptor);
}

BENCHMARK(BM_Animate)
    ->ArgName("panels")
    ->Arg(1)
    ->Arg(3)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(BM_Job)
    ->ArgName("panels")
    ->Arg(1)
    ->Arg(3)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(BM_Probe)
    ->ArgName("video")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace studio
