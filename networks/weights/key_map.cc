#include "networks/weights/key_map.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace networks::weights {

KeyMap StripPrefix(std::string prefix) {
  return [prefix = std::move(prefix)](absl::string_view name) {
    return absl::ConsumePrefix(&name, prefix) ? std::string(name) : "";
  };
}

KeyMap DinoBackbone() {
  return [](absl::string_view name) -> std::string {
    for (const char* other :
         {"student.", "optimizer.", "dino_loss.", "fp16_scaler."}) {
      if (absl::StartsWith(name, other)) return "";
    }
    absl::ConsumePrefix(&name, "teacher.");
    absl::ConsumePrefix(&name, "module.");
    absl::ConsumePrefix(&name, "backbone.");
    if (absl::StartsWith(name, "head.") || name == "mask_token") return "";
    return std::string(name);
  };
}

KeyMap SegmentAnything() {
  return [](absl::string_view name) -> std::string {
    absl::ConsumePrefix(&name, "module.");
    absl::ConsumePrefix(&name, "model.");
    if (absl::StartsWith(name, "image_encoder.head.") ||
        absl::StartsWith(name, "image_encoder.norm_head.")) {
      return "";
    }
    return std::string(name);
  };
}

}  // namespace networks::weights
