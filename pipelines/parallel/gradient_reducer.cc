#include "pipelines/parallel/gradient_reducer.h"

#include <torch/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <utility>

namespace pipelines::parallel {
namespace {

// The gradients of those that have one.
std::vector<torch::Tensor> Gradients(
    const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

}  // namespace

// Runs after a gradient has been added to its parameter's.
class GradientReducer::Hook : public torch::autograd::FunctionPostHook {
 public:
  Hook(GradientReducer* reducer, size_t bucket)
      : reducer_(reducer), bucket_(bucket) {}

  torch::autograd::variable_list operator()(
      const torch::autograd::variable_list& outputs,
      const torch::autograd::variable_list& /*inputs*/) override {
    reducer_->SetReady(bucket_);
    return outputs;
  }

 private:
  GradientReducer* reducer_;
  size_t bucket_;
};

GradientReducer::GradientReducer(std::shared_ptr<ProcessGroup> group,
                                 std::vector<torch::Tensor> parameters,
                                 int64_t bucket_bytes)
    : group_(std::move(group)) {
  int64_t size = 0;
  for (const torch::Tensor& parameter : parameters) {
    const int64_t bytes = parameter.numel() * parameter.element_size();
    if (buckets_.empty() || size + bytes > bucket_bytes) {
      buckets_.emplace_back();
      size = 0;
    }
    size += bytes;
    buckets_.back().parameters.push_back(parameter);
    const auto node = torch::autograd::impl::grad_accumulator(parameter);
    const uintptr_t key =
        node->add_post_hook(std::make_unique<Hook>(this, buckets_.size() - 1));
    // Holds the node: a parameter alone does not keep its own.
    unhook_.push_back([node, key] { node->del_post_hook(key); });
  }
}

GradientReducer::~GradientReducer() {
  for (const auto& unhook : unhook_) unhook();
}

void GradientReducer::Begin() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (Bucket& bucket : buckets_) bucket.num_ready = 0;
  next_ = 0;
  is_on_ = true;
}

void GradientReducer::SetReady(size_t bucket) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!is_on_) return;
  ++buckets_[bucket].num_ready;
  while (next_ < buckets_.size() &&
         buckets_[next_].num_ready == buckets_[next_].parameters.size()) {
    SendNext();
  }
}

void GradientReducer::SendNext() {
  Bucket& bucket = buckets_[next_++];
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& gradient : Gradients(bucket.parameters)) {
    flat.push_back(gradient.reshape({-1}));
  }
  if (flat.empty()) return;
  const torch::NoGradGuard no_grad;
  bucket.flat = torch::cat(flat);
  bucket.wait = group_->StartSum(bucket.flat);
}

void GradientReducer::Finish() {
  {
    // What has no gradient in this step kept its bucket back.
    std::lock_guard<std::mutex> lock(mutex_);
    while (next_ < buckets_.size()) SendNext();
    is_on_ = false;
  }
  for (Bucket& bucket : buckets_) {
    if (!bucket.flat.defined()) continue;
    bucket.wait();
    TakeBack(bucket);
    bucket.flat.reset();
    bucket.wait = nullptr;
  }
}

void GradientReducer::TakeBack(const Bucket& bucket) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor mean = bucket.flat / group_->size();
  int64_t begin = 0;
  for (torch::Tensor& gradient : Gradients(bucket.parameters)) {
    gradient.copy_(
        mean.narrow(0, begin, gradient.numel()).view(gradient.sizes()));
    begin += gradient.numel();
  }
}

}  // namespace pipelines::parallel
