// The formats in which a job's result can be had: one table for requests, for
// the files of a job and for the answers of the API.
#ifndef TOOLS_STUDIO_JOBS_RESULT_FORMAT_H_
#define TOOLS_STUDIO_JOBS_RESULT_FORMAT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace studio {

struct ResultFormat {
  absl::string_view name;          // as a request says it
  absl::string_view file;          // below output/ of the job's folder
  absl::string_view content_type;  // of an answer with it
  absl::string_view ending;        // of the name under which it is saved
  bool is_of_motion;               // of a motion job, else of an animation
};

// All, "mp4" first.
const std::vector<ResultFormat>& ResultFormats();

// Null for a name that is none.
const ResultFormat* FindResultFormat(absl::string_view name);

// What a job of this type can give. The worker writes the first one; the others
// are made from it.
std::vector<std::string> ResultFormatNames(bool is_motion);

// The name under which a client saves the result of the job `id`.
std::string DownloadName(absl::string_view id, const ResultFormat& format);

// The file that the worker writes, below output/ of the job's folder.
std::string WorkerResultFile(bool is_motion);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_RESULT_FORMAT_H_
