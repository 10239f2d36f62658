// The outputs that a command line names.
#ifndef PIPELINES_APP_USER_OUTPUTS_H_
#define PIPELINES_APP_USER_OUTPUTS_H_

#include "absl/status/status.h"
#include "networks/files/outputs.h"

namespace pipelines {

// networks::files::CheckOutputs for a program, to be asked before its work
// begins. What would be replaced or harmed is a mistake on the command line
// (exit_code.h), and where --overwrite would help, the message says so.
absl::Status CheckUserOutputs(const networks::files::PlannedOutputs& planned);

// The same for a `status` of CheckOutputs, where a library has planned; and
// whether there would be none with `overwrite`.
absl::Status ExplainOutputs(const absl::Status& status, bool overwriting_helps);

}  // namespace pipelines

#endif  // PIPELINES_APP_USER_OUTPUTS_H_
