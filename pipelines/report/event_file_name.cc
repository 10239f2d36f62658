#include "pipelines/report/event_file_name.h"

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace pipelines {

int64_t EventFileTime(absl::string_view name) {
  int64_t time = 0;
  return absl::ConsumePrefix(&name, kEventFilePrefix) &&
                 absl::SimpleAtoi(name.substr(0, name.find('.')), &time) &&
                 time > 0
             ? time
             : 0;
}

}  // namespace pipelines
