#include "networks/testing/graph.h"

#include <torch/autograd.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>
#include <torch/types.h>

#include <set>
#include <vector>

#include "absl/strings/match.h"

namespace networks::test_util {

int CountNodes(const torch::Tensor& y, absl::string_view part) {
  using torch::autograd::Node;
  std::set<const Node*> seen = {y.grad_fn().get()};
  std::vector<const Node*> left(seen.begin(), seen.end());
  int count = 0;
  while (!left.empty()) {
    const Node* const node = left.back();
    left.pop_back();
    if (node == nullptr) continue;
    count += absl::StrContains(node->name(), part);
    for (const torch::autograd::Edge& edge : node->next_edges()) {
      const Node* const next = edge.function.get();
      if (seen.insert(next).second) left.push_back(next);
    }
  }
  return count;
}

}  // namespace networks::test_util
