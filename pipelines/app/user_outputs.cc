#include "pipelines/app/user_outputs.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "pipelines/app/exit_code.h"

namespace pipelines {
namespace {

using networks::files::CheckOutputs;
using networks::files::PlannedOutputs;

bool OverwritingHelps(PlannedOutputs planned) {
  planned.overwrite = true;
  return CheckOutputs(planned).ok();
}

}  // namespace

absl::Status ExplainOutputs(const absl::Status& status,
                            bool overwriting_helps) {
  if (absl::IsAlreadyExists(status)) {
    return UsageError(absl::AlreadyExistsError(absl::StrCat(
        std::string(status.message()), overwriting_helps
                                           ? "; give --overwrite to replace it"
                                           : "; name another output")));
  }
  return absl::IsInvalidArgument(status) ? UsageError(status) : status;
}

absl::Status CheckUserOutputs(const PlannedOutputs& planned) {
  const absl::Status status = CheckOutputs(planned);
  return ExplainOutputs(status, !status.ok() && OverwritingHelps(planned));
}

}  // namespace pipelines
