#include "pipelines/report/event_log.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/report/event.pb.h"
#include "pipelines/report/tfrecord.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::networks::files::ReadText;
using tensorboard::Event;
using ::testing::HasSubstr;

using EventLogFolderTest = ::networks::files::FolderTest;

std::vector<Event> ReadEvents(const std::string& path) {
  std::vector<Event> events;
  for (const std::string& record : ParseTfRecords(ReadText(path))) {
    events.emplace_back();
    EXPECT_TRUE(events.back().ParseFromString(record));
  }
  return events;
}

TEST(EventLog, WritesScalarsPicturesAndText) {
  absl::StatusOr<EventLog> log = EventLog::Create(::testing::TempDir());
  ASSERT_THAT(log, IsOk());
  EXPECT_THAT(log->AddScalar("loss/total", 3, 0.5), IsOk());
  EXPECT_THAT(log->AddImage("strip", 4, 20, 30, "png bytes"), IsOk());
  EXPECT_THAT(log->AddText("config", 0, "size: 64"), IsOk());
  EXPECT_THAT(log->Flush(), IsOk());
  const std::vector<Event> events = ReadEvents(log->path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].step(), 3);
  EXPECT_GT(events[1].wall_time(), 1.6e9);
  EXPECT_EQ(events[1].summary().value(0).tag(), "loss/total");
  EXPECT_EQ(events[1].summary().value(0).simple_value(), 0.5f);
  EXPECT_EQ(events[2].summary().value(0).image().width(), 30);
  EXPECT_EQ(events[2].summary().value(0).image().encoded_image_string(),
            "png bytes");
  const auto& text = events[3].summary().value(0);
  EXPECT_EQ(text.tag(), "config/text_summary");
  EXPECT_EQ(text.metadata().plugin_data().plugin_name(), "text");
  EXPECT_EQ(text.tensor().string_val(0), "size: 64");
}

// The bytes of a scalar event by TensorFlow's field numbers: step is field 2,
// summary 5, value 1, tag 1, simple_value 2.
TEST(EventLog, HasTensorFlowsFieldNumbers) {
  Event event;
  event.set_step(7);
  auto* value = event.mutable_summary()->add_value();
  value->set_tag("a");
  value->set_simple_value(1);
  EXPECT_EQ(event.SerializeAsString(),
            std::string("\x10\x07\x2a\x0a\x0a\x08\x0a\x01"
                        "a\x15\0\0\x80\x3f",
                        14));
}

TEST(EventLog, ForgetsLaterStepsOnResuming) {
  absl::StatusOr<EventLog> log = EventLog::Create(::testing::TempDir(), 120);
  ASSERT_THAT(log, IsOk());
  const std::vector<Event> events = ReadEvents(log->path());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].step(), 120);
  EXPECT_EQ(events[1].session_log().status(), tensorboard::SessionLog::START);
}

// TensorBoard reads the files of a folder in the order of their names.
TEST_F(EventLogFolderTest, ComesBehindAllOthersWhateverTheClockSays) {
  // Of the year 2096, and two that are none of ours.
  const std::string earlier = "events.out.tfevents.4000000000.host.1.0";
  for (const std::string& name :
       {earlier, std::string("events.out.tfevents.x"), std::string("a.csv")}) {
    Write(name, "");
  }
  std::vector<std::string> paths = {Path(earlier)};
  for (int i = 0; i < 12; ++i) {
    const absl::StatusOr<EventLog> log = EventLog::Create(folder_, i);
    ASSERT_THAT(log, IsOk());
    EXPECT_GT(log->path(), paths.back());
    paths.push_back(log->path());
  }
}

TEST(EventLog, NamesTheFileThatItCannotWrite) {
  EXPECT_THAT(EventLog::Create("/no/such/folder").status(),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/no/such/folder/events.out.tfevents.")));
}

}  // namespace
}  // namespace pipelines
