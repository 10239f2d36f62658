// What many sources below pipelines and tools include beside math.h.
#ifndef THIRD_PARTY_PRECOMPILED_APP_H_
#define THIRD_PARTY_PRECOMPILED_APP_H_

#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/extension_set.h"
#include "google/protobuf/generated_message_reflection.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"

#endif  // THIRD_PARTY_PRECOMPILED_APP_H_
