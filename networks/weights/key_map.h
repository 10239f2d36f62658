// How the names in published weight files become keys of our modules.
#ifndef NETWORKS_WEIGHTS_KEY_MAP_H_
#define NETWORKS_WEIGHTS_KEY_MAP_H_

#include <functional>
#include <string>

namespace networks::weights {

// A tensor's name to a module's key; "": the module has no use for it. Besides
// those below, networks/vgg.h has one.
using KeyMap = std::function<std::string(const std::string& name)>;

// Takes the names that begin with `prefix`, without it:
// StripPrefix("kp_detector.") maps "kp_detector.fg_encoder.conv1.weight" to
// "fg_encoder.conv1.weight" and leaves out the rest of a checkpoint.
KeyMap StripPrefix(std::string prefix);

// DINO's backbone files, and its full training checkpoints, of which it takes
// the teacher: "teacher.module.backbone.norm.bias" and "norm.bias" to
// "norm.bias". Leaves out the projection head, the mask token (of DINOv2) and
// everything else of training.
KeyMap DinoBackbone();

// Segment Anything's files name everything as our modules do; training wrappers
// put "module." or "model." in front, which this takes off. Leaves out the
// classifier that MobileSAM's image encoder was first trained with.
KeyMap SegmentAnything();

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_KEY_MAP_H_
