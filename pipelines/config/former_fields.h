// Fields of former versions of the schema (option `moved_to` of options.proto):
// configs and overrides that have them still load.
#ifndef PIPELINES_CONFIG_FORMER_FIELDS_H_
#define PIPELINES_CONFIG_FORMER_FIELDS_H_

#include "pipelines/config/config.pb.h"

namespace pipelines {

// Says what `model` says in former fields where it is said now, and clears
// them. What is said in both places has the former field's value: an override
// by a former name comes after the file.
//
// Where model.motion chose a kind of motion, options of other kinds had no
// effect and are dropped.
void MoveFormerFields(ModelConfig* model);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_FORMER_FIELDS_H_
