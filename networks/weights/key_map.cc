#include "networks/weights/key_map.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace networks::weights {

KeyMap StripPrefix(std::string prefix) {
  return [prefix = std::move(prefix)](absl::string_view name) {
    return absl::ConsumePrefix(&name, prefix) ? std::string(name) : "";
  };
}

KeyMap AddPrefix(std::string prefix) {
  return [prefix = std::move(prefix)](absl::string_view name) {
    return absl::StrCat(prefix, name);
  };
}

KeyMap Compose(KeyMap first, KeyMap second) {
  return [first = std::move(first),
          second = std::move(second)](const std::string& name) {
    const std::string middle = first(name);
    return middle.empty() ? "" : second(middle);
  };
}

KeyMap DinoBackbone() {
  return [](absl::string_view name) -> std::string {
    for (const char* other :
         {"student.", "optimizer.", "dino_loss.", "fp16_scaler.", "args."}) {
      if (absl::StartsWith(name, other)) return "";
    }
    absl::ConsumePrefix(&name, "teacher.");
    absl::ConsumePrefix(&name, "module.");
    absl::ConsumePrefix(&name, "backbone.");
    if (absl::StartsWith(name, "head.")) return "";
    return std::string(name);
  };
}

KeyMap SegmentAnything() {
  return [](absl::string_view name) {
    absl::ConsumePrefix(&name, "module.");
    absl::ConsumePrefix(&name, "model.");
    return std::string(name);
  };
}

}  // namespace networks::weights
