// Numbered submodules that keep their type.
#ifndef NETWORKS_MODULE_LIST_H_
#define NETWORKS_MODULE_LIST_H_

#include <torch/nn/modules/container/modulelist.h>

#include <vector>

namespace networks {

// A torch::nn::ModuleList of `modules`, to be registered under a name so that
// their parameters are called <name>.<index>.
template <typename ModuleHolder>
torch::nn::ModuleList ToModuleList(const std::vector<ModuleHolder>& modules) {
  torch::nn::ModuleList list;
  for (const ModuleHolder& module : modules) list->push_back(module);
  return list;
}

}  // namespace networks

#endif  // NETWORKS_MODULE_LIST_H_
