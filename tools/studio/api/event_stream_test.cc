#include "tools/studio/api/event_stream.h"

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/api/testing_jobs.h"

namespace studio {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kFrameEvent[] = "event: frame\ndata: {\"index\":3}\n\n";

bool Never() { return false; }

// A job that gives frame 3 and then does nothing more.
class EventStreamTest : public JobsTest {
 protected:
  EventStreamTest() {
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

  std::string id_;
};

TEST_F(EventStreamTest, TellsOfAFrameOnceAndThenThatItIsAlive) {
  const StreamBody next =
      JobEvents(jobs_.get(), id_, Never, absl::Milliseconds(100));
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
