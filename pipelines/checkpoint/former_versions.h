// What checkpoints of former versions meant.
//
// A checkpoint of version 3 states every field of its config, so that its
// meaning does not depend on the defaults of the program that reads it. One of
// version 1 or 2 leaves out what had its default when it was written.
#ifndef PIPELINES_CHECKPOINT_FORMER_VERSIONS_H_
#define PIPELINES_CHECKPOINT_FORMER_VERSIONS_H_

#include "pipelines/config/config.pb.h"

namespace pipelines {

// The config of a checkpoint of version 1 or 2 as version 3 would state it:
// with the values of that time for what it leaves out, and nothing in fields of
// former versions.
void UpgradeConfig(Config* config);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_FORMER_VERSIONS_H_
