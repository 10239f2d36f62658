// Values of a request's query.
#ifndef TOOLS_STUDIO_API_QUERY_H_
#define TOOLS_STUDIO_API_QUERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/studio/http/request.h"

namespace studio {

// InvalidArgument for a name that is none of `names`.
absl::Status CheckQuery(const Request& request,
                        const std::vector<absl::string_view>& names);

// The integer `name`, or `otherwise` where the query does not have it.
// InvalidArgument, naming the field, for anything else than an integer from
// `least` to `most`.
absl::StatusOr<int64_t> QueryInteger(const Request& request,
                                     absl::string_view name, int64_t least,
                                     int64_t most, int64_t otherwise);

// One of `choices`; the first one where the query does not have it.
// InvalidArgument, naming the field, for another text.
absl::StatusOr<std::string> QueryChoice(
    const Request& request, absl::string_view name,
    const std::vector<absl::string_view>& choices);

}  // namespace studio

#endif  // TOOLS_STUDIO_API_QUERY_H_
