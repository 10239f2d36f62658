#include "tools/studio/api/input_json.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/api/open_file.h"
#include "tools/studio/jobs/media_facts.h"

namespace studio {

using nlohmann::json;

json InputToJson(const Input& input) {
  json described =
      json::parse(input.facts, nullptr, /*allow_exceptions=*/false);
  if (!described.is_object()) described = json::object();
  described["id"] = input.id;
  described["kind"] = input.kind;
  described["bytes"] = input.bytes;
  if (input.created != absl::Time()) {  // of bundled ones it says nothing
    described["created"] =
        absl::FormatTime(absl::RFC3339_sec, input.created, absl::UTCTimeZone());
  }
  return described;
}

absl::StatusOr<json> ProbeInput(const DecoderClient& decoder,
                                const Input& input) {
  ASSIGN_OR_RETURN(const MediaKind kind, ParseMediaKind(input.kind));
  const OpenFile file(input.path);
  if (file.descriptor() < 0) {
    return absl::NotFoundError("the file of this input is not there any more");
  }
  ASSIGN_OR_RETURN(const MediaFacts facts,
                   decoder.Probe(file.descriptor(), kind));
  return FactsToJson(facts);
}

}  // namespace studio
