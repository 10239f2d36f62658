// What comes instead of weights when a download went wrong.
#ifndef NETWORKS_WEIGHTS_NOT_WEIGHTS_H_
#define NETWORKS_WEIGHTS_NOT_WEIGHTS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace networks::weights {

// Told from the first bytes of a file: "a web page, as of a download that needs
// a click or a login" or "a link of Git LFS, not the file that it stands for";
// "" for anything else. 512 bytes suffice.
std::string WhatInsteadOfWeights(absl::string_view start);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_NOT_WEIGHTS_H_
