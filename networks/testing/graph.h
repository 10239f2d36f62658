// What the graph of a tensor is made of.
#ifndef NETWORKS_TESTING_GRAPH_H_
#define NETWORKS_TESTING_GRAPH_H_

#include <torch/types.h>

#include "absl/strings/string_view.h"

namespace networks::test_util {

// How many nodes of the graph that `y` was computed by have `part` in their
// names, as "RecomputedFunction".
int CountNodes(const torch::Tensor& y, absl::string_view part);

}  // namespace networks::test_util

#endif  // NETWORKS_TESTING_GRAPH_H_
