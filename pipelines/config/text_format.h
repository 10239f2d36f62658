// Protobuf's text format with errors worth reading: file, line, column, and the
// nearest name where one was misspelt.
#ifndef PIPELINES_CONFIG_TEXT_FORMAT_H_
#define PIPELINES_CONFIG_TEXT_FORMAT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace pipelines {

// Parses `text` into `message`, which is cleared first. Lines may end as
// Windows ends them, and a byte order mark of UTF-8 may come first.
// InvalidArgument as
// "<name>:<line>:<column>: <what is wrong>" for the first error.
// `places`, if given, says where in `text` each field is: also an empty list,
// which `message` does not tell from none.
absl::Status ParseTextFormat(
    absl::string_view name, absl::string_view text,
    google::protobuf::Message* message,
    google::protobuf::TextFormat::ParseInfoTree* places = nullptr);

// Reads the file at `path`, of at most 1 MiB, and parses it. The errors of
// networks::files::ReadFile, which say why a file cannot be read; and the
// above.
absl::Status ReadTextFormat(const std::string& path,
                            google::protobuf::Message* message);

// " Did you mean 'batch_size'?" if a field of `type` is spelt much like `name`;
// otherwise the list of its fields.
std::string SuggestField(const google::protobuf::Descriptor& type,
                         absl::string_view name);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_TEXT_FORMAT_H_
