#include "tools/studio/jobs/worker_events.h"

#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = WorkerEvent::Kind;

// What `write` writes, as it comes through a pipe.
template <typename Write>
std::string Written(const Write& write) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  std::thread writer([&] {
    EventWriter events(pipe[1]);
    write(events);
    close(pipe[1]);
  });
  std::string text, chunk(4096, '\0');
  for (;;) {
    const ssize_t count = read(pipe[0], &chunk[0], chunk.size());
    if (count <= 0) break;
    text.append(chunk, 0, static_cast<size_t>(count));
  }
  writer.join();
  close(pipe[0]);
  return text;
}

// All events of `text`, which comes in pieces of `size` bytes.
std::vector<WorkerEvent> ReadAll(const std::string& text, size_t size) {
  std::vector<WorkerEvent> events;
  EventReader reader;
  for (size_t begin = 0; begin < text.size(); begin += size) {
    reader.Add(text.substr(begin, size));
    for (;;) {
      auto event = reader.Next();
      EXPECT_THAT(event, IsOk());
      if (!event.ok() || !*event) break;
      events.push_back(**std::move(event));
    }
  }
  return events;
}

TEST(WorkerEventsTest, ComeAsTheyWereWrittenInPiecesOfAnySize) {
  const std::string png("not\nreally\0a picture", 20);
  const std::string text = Written([&](EventWriter& events) {
    events.Stage("loading");
    events.Frame(6, png);
    events.Progress(98, 98);
    events.Done(98, 256, 128, {"no \"sound\"", "dark"});
    events.Error(absl::NotFoundError("a.mp4: is not there\n"));
  });
  for (const size_t size : {size_t{1}, size_t{7}, text.size()}) {
    const std::vector<WorkerEvent> events = ReadAll(text, size);
    ASSERT_EQ(events.size(), 5U);
    EXPECT_EQ(events[0].kind, Kind::kStage);
    EXPECT_EQ(events[0].stage, "loading");
    EXPECT_EQ(events[1].kind, Kind::kFrame);
    EXPECT_EQ(events[1].done, 6);
    EXPECT_EQ(events[1].png, png);
    EXPECT_EQ(events[2].kind, Kind::kProgress);
    EXPECT_EQ(events[2].total, 98);
    EXPECT_EQ(events[3].kind, Kind::kDone);
    EXPECT_EQ(events[3].height, 128);
    EXPECT_THAT(events[3].warnings, ElementsAre("no \"sound\"", "dark"));
    EXPECT_EQ(events[4].kind, Kind::kError);
    EXPECT_THAT(events[4].error,
                StatusIs(StatusCode::kNotFound, "a.mp4: is not there\n"));
  }
}

TEST(WorkerEventsTest, TellOfProgressTenTimesASecondAndOfItsEnd) {
  const std::vector<WorkerEvent> events =
      ReadAll(Written([](EventWriter& writer) {
                for (int i = 0; i <= 1000; ++i) writer.Progress(i, 1000);
              }),
              4096);
  EXPECT_LT(events.size(), 100U);
  EXPECT_EQ(events.front().done, 0);
  EXPECT_EQ(events.back().done, 1000);
  const std::vector<WorkerEvent> unknown = ReadAll(
      Written([](EventWriter& writer) { writer.Progress(3, 0); }), 4096);
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_FALSE(unknown[0].total.has_value());
}

TEST(WorkerEventsTest, RefuseWhatNoWorkerWrites) {
  for (
      const std::string& text : std::vector<std::string>{
          "hello\n", "{}\n", "[]\n", "{\"event\":7}\n",
          "{\"event\":\"dance\"}\n", "{\"event\":\"stage\"}\n",
          "{\"event\":\"progress\",\"done\":-1,\"total\":2}\n",
          "{\"event\":\"progress\",\"done\":1e300,\"total\":2}\n",
          "{\"event\":\"frame\",\"index\":0,\"bytes\":99999999999}\n",
          R"({"event":"done","frames":1,"width":1,"height":1,"warnings":[7]})" +
              std::string("\n"),
          std::string(size_t{1} << 19, ' '), std::string(10000, '[') + "\n"}) {
    EventReader reader;
    reader.Add(text);
    EXPECT_THAT(reader.Next(), StatusIs(StatusCode::kInvalidArgument,
                                        HasSubstr("no worker writes")))
        << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace studio
