#include "pipelines/report/event_log.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "networks/files/append_file.h"
#include "networks/files/folder.h"
#include "pipelines/report/event.pb.h"
#include "pipelines/report/event_file_name.h"
#include "pipelines/report/tfrecord.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

using networks::files::AppendFile;

namespace {

using tensorboard::Event;
using tensorboard::SessionLog;
using tensorboard::Summary;
using tensorboard::TensorProto;

Event EventNow(int64_t step) {
  Event event;
  event.set_wall_time(absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
  event.set_step(step);
  return event;
}

// The latest time in a name of a file of `folder`; 0 without one.
int64_t LatestTime(const std::string& folder) {
  int64_t latest = 0;
  const auto names = networks::files::ListFolder(folder);
  if (!names.ok()) return 0;
  for (const std::string& name : *names) {
    latest = std::max(latest, EventFileTime(name));
  }
  return latest;
}

// As TensorBoard expects it, and unlike any other of this or another process.
// TensorBoard reads files in the order of their names: behind those of
// `folder`, whatever the clock says.
std::string FileName(const std::string& folder) {
  static std::atomic<int> counter{0};
  char host[256] = "unknown";
  gethostname(host, sizeof(host) - 1);
  constexpr int64_t kMost = 9999999999;  // ten digits
  const int64_t time = std::max(absl::ToUnixSeconds(absl::Now()),
                                std::min(LatestTime(folder), kMost - 1) + 1);
  return absl::StrCat(kEventFilePrefix, absl::Dec(time, absl::kZeroPad10), ".",
                      host, ".", getpid(), ".", counter++);
}

}  // namespace

EventLog::EventLog(std::string path, AppendFile file)
    : path_(std::move(path)), output_(new Output{std::move(file), ""}) {}

EventLog::Output::~Output() { file.Append(pending).IgnoreError(); }

absl::StatusOr<EventLog> EventLog::Create(const std::string& folder,
                                          int64_t resume_step) {
  const std::string path = absl::StrCat(folder, "/", FileName(folder));
  ASSIGN_OR_RETURN(AppendFile file,
                   AppendFile::Open(path, AppendFile::Start::kNew));
  EventLog log(path, std::move(file));
  Event version = EventNow(0);
  version.set_file_version("brain.Event:2");
  RETURN_IF_ERROR(log.WriteRecord(version.SerializeAsString()));
  if (resume_step >= 0) {
    Event start = EventNow(resume_step);
    start.mutable_session_log()->set_status(SessionLog::START);
    RETURN_IF_ERROR(log.WriteRecord(start.SerializeAsString()));
  }
  RETURN_IF_ERROR(log.Flush());
  return log;
}

absl::Status EventLog::AddScalar(absl::string_view tag, int64_t step,
                                 double value) {
  Event event = EventNow(step);
  Summary::Value* entry = event.mutable_summary()->add_value();
  entry->set_tag(std::string(tag));
  entry->set_simple_value(static_cast<float>(value));
  return WriteRecord(event.SerializeAsString());
}

absl::Status EventLog::AddImage(absl::string_view tag, int64_t step, int height,
                                int width, const std::string& png) {
  Event event = EventNow(step);
  Summary::Value* entry = event.mutable_summary()->add_value();
  entry->set_tag(std::string(tag));
  Summary::Image* image = entry->mutable_image();
  image->set_height(height);
  image->set_width(width);
  image->set_colorspace(3);
  image->set_encoded_image_string(png);
  return WriteRecord(event.SerializeAsString());
}

absl::Status EventLog::AddText(absl::string_view tag, int64_t step,
                               const std::string& text) {
  Event event = EventNow(step);
  Summary::Value* entry = event.mutable_summary()->add_value();
  // The suffix and the plugin's name are what makes TensorBoard show a text.
  entry->set_tag(absl::StrCat(tag, "/text_summary"));
  entry->mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
  TensorProto* tensor = entry->mutable_tensor();
  tensor->set_dtype(TensorProto::DT_STRING);
  tensor->mutable_tensor_shape()->add_dim()->set_size(1);
  tensor->add_string_val(text);
  return WriteRecord(event.SerializeAsString());
}

absl::Status EventLog::Flush() {
  const std::string pending = std::move(output_->pending);
  output_->pending.clear();
  return output_->file.Append(pending);
}

absl::Status EventLog::WriteRecord(const std::string& event) {
  constexpr size_t kMostPending = 1 << 16;
  output_->pending += TfRecord(event);
  return output_->pending.size() < kMostPending ? absl::OkStatus() : Flush();
}

}  // namespace pipelines
