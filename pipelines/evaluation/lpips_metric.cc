#include "pipelines/evaluation/lpips_metric.h"

#include <string>

#include "networks/weights/key_map.h"
#include "networks/weights/load.h"
#include "pipelines/checkpoint/published_weights.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

std::string OrDefault(const std::string& name, const std::string& published) {
  return name.empty() ? published : name;
}

}  // namespace

absl::StatusOr<networks::Lpips> MakeLpips(const EvaluationConfig& config) {
  if (!config.has_lpips()) return networks::Lpips(nullptr);
  const LpipsConfig& options = config.lpips();
  const auto backbone = options.network() == LpipsConfig::VGG
                            ? networks::LpipsBackbone::kVgg16
                            : networks::LpipsBackbone::kAlexNet;
  const networks::LpipsFiles published = networks::PublishedLpips(backbone);
  const std::string weights = OrDefault(options.weights(), published.backbone);
  const std::string head = OrDefault(options.channel_weights(), published.head);
  RETURN_IF_ERROR(CheckPublishedWeights({weights, head}));
  networks::Lpips lpips(backbone);
  networks::weights::LoadOptions features;
  features.key_map = networks::weights::StripPrefix("features.");
  RETURN_IF_ERROR(LoadPublishedWeights(weights, features, lpips->backbone()));
  RETURN_IF_ERROR(LoadPublishedWeights(head, {}, lpips->head()));
  return lpips;
}

void ChooseLpips(LpipsConfig::Network network, EvaluationConfig* config) {
  LpipsConfig* lpips = config->mutable_lpips();
  if (lpips->network() != network) lpips->Clear();
  lpips->set_network(network);
}

}  // namespace pipelines
