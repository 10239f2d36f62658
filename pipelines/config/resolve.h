// What a message of the schema resolves to: the value of every field, from the
// message where it says so and from the schema's defaults where it does not.
#ifndef PIPELINES_CONFIG_RESOLVE_H_
#define PIPELINES_CONFIG_RESOLVE_H_

#include "google/protobuf/message.h"

namespace pipelines {

// Sets what fields have by the schema's option `defaults` (options.proto) where
// the message leaves it out: what the default of a field's type cannot say.
void FillDefaults(google::protobuf::Message* message);

// FillDefaults, and sets every field that is unset and has a default, in all
// sub-messages. Left unset: strings without a default, the members of a oneof
// that is unset or has chosen another one, messages that are marked
// `by_presence`, and fields of former versions (options.proto). What was set
// stays.
//
// Two messages that mean the same are equal after this, field by field.
void ResolveDefaults(google::protobuf::Message* message);

// The reverse: clears what ResolveDefaults would set to the same value.
void ClearDefaults(google::protobuf::Message* message);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_RESOLVE_H_
