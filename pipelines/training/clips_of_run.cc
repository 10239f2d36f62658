#include "pipelines/training/clips_of_run.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "pipelines/data/clips_fingerprint.h"

namespace pipelines {
namespace {

data::Fingerprint FromProto(const ClipsFingerprint& proto) {
  return {proto.names(), proto.sizes(), proto.times()};
}

ClipsFingerprint ToProto(const data::Fingerprint& fingerprint) {
  ClipsFingerprint proto;
  proto.set_names(fingerprint.names);
  proto.set_sizes(fingerprint.sizes);
  proto.set_times(fingerprint.times);
  return proto;
}

}  // namespace

std::vector<std::string> UpdateClips(const data::Dataset& train,
                                     const data::Dataset& test, bool with_times,
                                     CheckpointState* state) {
  std::vector<std::string> changes;
  const auto update = [&](absl::string_view split, const data::Dataset& clips,
                          bool is_known, ClipsFingerprint* then) {
    const data::Fingerprint now = data::FingerprintOf(clips.clips());
    const std::string difference =
        data::Difference(FromProto(*then), now, with_times);
    if (is_known && !difference.empty()) {
      changes.push_back(absl::StrCat("the ", split,
                                     " clips have changed since step ",
                                     state->step(), " (", difference, ")"));
    }
    *then = ToProto(now);
  };
  const bool knows_train = state->has_train_clips();
  const bool knows_test = state->has_test_clips();
  update("training", train, knows_train, state->mutable_train_clips());
  update("test", test, knows_test, state->mutable_test_clips());
  return changes;
}

}  // namespace pipelines
