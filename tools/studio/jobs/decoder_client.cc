#include "tools/studio/jobs/decoder_client.h"

#include "absl/status/status.h"

namespace studio {

class DecoderClient::Impl {
 public:
  explicit Impl(DecoderOptions options) : options_(std::move(options)) {}

 private:
  const DecoderOptions options_;
};

DecoderClient::DecoderClient(DecoderOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
DecoderClient::~DecoderClient() = default;

absl::StatusOr<MediaFacts> DecoderClient::Probe(int, MediaKind) const {
  return absl::UnimplementedError("decoder");
}
absl::StatusOr<std::string> DecoderClient::Preview(int, MediaKind, int64_t,
                                                   int) const {
  return absl::UnimplementedError("decoder");
}
absl::StatusOr<RgbaImage> DecoderClient::Pixels(int, int) const {
  return absl::UnimplementedError("decoder");
}
absl::StatusOr<CropBoxProposal> DecoderClient::ProposeCrop(int, bool) const {
  return absl::UnimplementedError("decoder");
}

}  // namespace studio
