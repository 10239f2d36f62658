// Uploads and bundled inputs as the API shows them.
#ifndef TOOLS_STUDIO_API_INPUT_JSON_H_
#define TOOLS_STUDIO_API_INPUT_JSON_H_

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "tools/studio/jobs/decoder_client.h"
#include "tools/studio/store/store.h"

namespace studio {

// {"id","kind","bytes"} and, of an upload, "created" and its facts.
nlohmann::json InputToJson(const Input& input);

// The facts of a file, by the decoder. Its errors.
absl::StatusOr<nlohmann::json> ProbeInput(const DecoderClient& decoder,
                                          const Input& input);

}  // namespace studio

#endif  // TOOLS_STUDIO_API_INPUT_JSON_H_
