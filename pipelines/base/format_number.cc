#include "pipelines/base/format_number.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace pipelines {

std::string FormatNumber(double x) {
  const std::string shorter = absl::StrFormat("%.9g", x);
  double back;
  return absl::SimpleAtod(shorter, &back) && back == x
             ? shorter
             : absl::StrFormat("%.17g", x);
}

}  // namespace pipelines
