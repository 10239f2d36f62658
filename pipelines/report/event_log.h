// TensorBoard event files: scalars, pictures and text over training steps.
//
// The file is a TFRecord sequence of tensorflow.Event messages (event.proto
// has the fields that are used, with TensorFlow's numbers). A record that was
// cut off by a crash only ends the file early; TensorBoard shows the rest.
#ifndef PIPELINES_REPORT_EVENT_LOG_H_
#define PIPELINES_REPORT_EVENT_LOG_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/files/append_file.h"

namespace pipelines {

class EventLog {
 public:
  // Opens a new file events.out.tfevents.<time>.<host> in the existing
  // `folder`; its <time> is later than that of all others there, also where the
  // clock was set back. With resume_step >= 0, tells TensorBoard to forget
  // steps from it on that an earlier file of the folder has.
  static absl::StatusOr<EventLog> Create(const std::string& folder,
                                         int64_t resume_step = -1);

  EventLog(EventLog&&) = default;
  EventLog& operator=(EventLog&&) = default;

  absl::Status AddScalar(absl::string_view tag, int64_t step, double value);
  // `png`: the bytes of a PNG file of height x width pixels.
  absl::Status AddImage(absl::string_view tag, int64_t step, int height,
                        int width, const std::string& png);
  // Markdown text, as the config in a code block.
  absl::Status AddText(absl::string_view tag, int64_t step,
                       const std::string& text);
  // Hands what was added to the system.
  absl::Status Flush();

  const std::string& path() const { return path_; }

 private:
  struct Output {
    ~Output();
    networks::files::AppendFile file;
    std::string pending;  // what Flush has to write
  };
  EventLog(std::string path, networks::files::AppendFile file);
  absl::Status WriteRecord(const std::string& event);

  std::string path_;
  std::unique_ptr<Output> output_;
};

}  // namespace pipelines

#endif  // PIPELINES_REPORT_EVENT_LOG_H_
