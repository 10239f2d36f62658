#include "tools/studio/api/event_stream.h"

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "nlohmann/json.hpp"
#include "pipelines/base/runfile.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/jobs/job_queue.h"
#include "tools/studio/store/store.h"

namespace studio {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kFrameEvent[] = "event: frame\ndata: {\"index\":3}\n\n";

bool Never() { return false; }

// With jobs/worker_double.cc, told to give frame 3 and then to do nothing more.
class EventStreamTest : public networks::files::FolderTest {
 protected:
  EventStreamTest() {
    StoreOptions options;
    options.folder = Path("data");
    options.bundled = {{"puppet", "image", pipelines::ExampleSource()},
                       {"dance", "video", pipelines::ExampleDriving()}};
    store_ = *Store::Open(options);
    JobQueueOptions jobs;
    jobs.store = store_.get();
    jobs.worker = std::filesystem::absolute(
        pipelines::RunfilePath("tools/studio/jobs/worker_double"));
    jobs.checkpoint = [](const std::string& id) {
      return absl::StatusOr<std::string>("/models/" + id);
    };
    jobs_ = *JobQueue::Start(jobs);
    id_ = jobs_
              ->Submit({{"type", "animate"},
                        {"source", "bundled:puppet"},
                        {"driving", "bundled:dance"},
                        {"checkpoint", "frame"}})
              ->id;
  }

  // The first piece with `text`; the last one if there is none in a minute.
  static std::string ReadUntil(const StreamBody& next,
                               const std::string& text) {
    const absl::Time end = absl::Now() + absl::Minutes(1);
    std::string piece;
    do {
      piece = next();
    } while (piece.find(text) == std::string::npos && !piece.empty() &&
             absl::Now() < end);
    return piece;
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<JobQueue> jobs_;
  std::string id_;
};

TEST_F(EventStreamTest, TellsOfAFrameOnceAndThenThatItIsAlive) {
  const StreamBody next = JobEvents(jobs_.get(), id_, Never);
  EXPECT_THAT(
      ReadUntil(next, "event: frame"),
      AllOf(StartsWith("event: job\ndata: {"),
            HasSubstr("\"state\":\"running\""), HasSubstr(kFrameEvent)));
  EXPECT_EQ(next(), ":\n\n");
  EXPECT_EQ(next(), ":\n\n");
}

TEST_F(EventStreamTest, EndsWithTheJob) {
  const StreamBody next = JobEvents(jobs_.get(), id_, Never);
  EXPECT_THAT(ReadUntil(next, kFrameEvent), HasSubstr(kFrameEvent));
  ASSERT_THAT(jobs_->Cancel(id_), IsOk());
  const std::string ended = "\"state\":\"cancelled\"";
  EXPECT_THAT(ReadUntil(next, ended), HasSubstr(ended));
  EXPECT_EQ(next(), "");
  ASSERT_THAT(jobs_->Remove(id_), IsOk());
  EXPECT_EQ(JobEvents(jobs_.get(), id_, Never)(), "");
}

TEST_F(EventStreamTest, EndsWhileItWaitsWhenTheServerStops) {
  bool stops_soon = false;
  int asked = 0;
  const StreamBody next =
      JobEvents(jobs_.get(), id_, [&] { return stops_soon && ++asked > 1; });
  EXPECT_THAT(ReadUntil(next, kFrameEvent), HasSubstr(kFrameEvent));
  stops_soon = true;
  EXPECT_EQ(next(), "");
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace studio
