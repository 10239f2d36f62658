// A store and a queue of jobs for tests of what is told of jobs.
#ifndef TOOLS_STUDIO_API_TESTING_JOBS_H_
#define TOOLS_STUDIO_API_TESTING_JOBS_H_

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "networks/files/testing_folder.h"
#include "pipelines/base/runfile.h"
#include "pipelines/pretrained/pretrained.h"
#include "tools/studio/jobs/job_queue.h"
#include "tools/studio/store/store.h"

namespace studio {

// With jobs/worker_double.cc, which takes what it does from the name of the
// checkpoint, and the bundled still and video.
class JobsTest : public networks::files::FolderTest {
 protected:
  explicit JobsTest(int max_queue = JobQueueOptions().max_queue) {
    StoreOptions options;
    options.folder = Path("data");
    options.bundled = {{"puppet", "image", pipelines::ExampleSource()},
                       {"dance", "video", pipelines::ExampleDriving()}};
    store_ = *Store::Open(options);
    JobQueueOptions jobs;
    jobs.store = store_.get();
    jobs.worker = std::filesystem::absolute(
        pipelines::RunfilePath("tools/studio/jobs/worker_double"));
    jobs.max_queue = max_queue;
    jobs.checkpoint = [](const std::string& id) {
      return absl::StatusOr<std::string>("/models/" + id);
    };
    jobs_ = *JobQueue::Start(jobs);
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<JobQueue> jobs_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_API_TESTING_JOBS_H_
