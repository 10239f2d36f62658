#include "pipelines/parallel/process_group.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "third_party/absl/status_macros.h"
#include "third_party/libtorch/distributed.h"

#if defined(USE_C10D_GLOO) && __has_include(<gloo/algorithm.h>)
#define HAVE_GLOO 1
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#if defined(USE_C10D_NCCL) && __has_include(<nccl.h>)
#define HAVE_NCCL 1
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace pipelines::parallel {
namespace {

using Backend = libtorch::ProcessBackend;
using Work = c10::intrusive_ptr<c10d::Work>;
using std::chrono::milliseconds;

#ifdef HAVE_GLOO
c10::intrusive_ptr<Backend> MakeGloo(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
    milliseconds timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  // As PyTorch has it, for machines with several networks: names with commas
  // between them.
  const char* interfaces = std::getenv("GLOO_SOCKET_IFNAME");
  if (interfaces == nullptr) {
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  } else {
    for (const absl::string_view name : absl::StrSplit(interfaces, ',')) {
      options->devices.push_back(
          c10d::ProcessGroupGloo::createDeviceForInterface(std::string(name)));
    }
  }
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size,
                                                     options);
}
#endif

#ifdef HAVE_NCCL
c10::intrusive_ptr<Backend> MakeNccl(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
    milliseconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size,
                                                     options);
}
#endif

absl::StatusOr<c10::intrusive_ptr<Backend>> MakeBackend(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
    torch::Device device, milliseconds timeout) {
#ifdef HAVE_NCCL
  if (device.is_cuda()) return MakeNccl(store, rank, size, timeout);
#endif
#ifdef HAVE_GLOO
  if (device.is_cpu()) return MakeGloo(store, rank, size, timeout);
#endif
  return absl::UnimplementedError(absl::StrCat(
      "data-parallel training on ", device.str(),
      ": this LibTorch was built without ",
      device.is_cuda() ? "NCCL" : "Gloo, or its headers are not installed"));
}

c10::intrusive_ptr<c10d::Store> OpenStore(const ProcessEnvironment& environment,
                                          milliseconds timeout) {
  c10d::TCPStoreOptions options = libtorch::StoreOptions();
  options.port = static_cast<std::uint16_t>(environment.port);
  options.isServer = environment.rank == 0 && !environment.store_is_running;
  options.numWorkers = environment.size;
  options.timeout = timeout;
  return c10::make_intrusive<c10d::TCPStore>(environment.address, options);
}

}  // namespace

class ProcessGroup::Impl {
 public:
  Impl(const ProcessEnvironment& environment, torch::Device device,
       absl::Duration timeout)
      : rank_(environment.rank),
        size_(environment.size),
        device_(device),
        timeout_(timeout) {}

  absl::Status Connect(const ProcessEnvironment& environment) {
    const milliseconds timeout(absl::ToInt64Milliseconds(timeout_));
    store_ = OpenStore(environment, timeout);
    for (auto [name, backend] :
         {std::pair("sums", &backend_), std::pair("values", &values_)}) {
      const auto section = c10::make_intrusive<c10d::PrefixStore>(
          absl::StrCat("cpab/", environment.store_section, "/", name), store_);
      ASSIGN_OR_RETURN(*backend,
                       MakeBackend(section, rank_, size_, device_, timeout));
    }
    return absl::OkStatus();
  }

  int rank() const { return rank_; }
  int size() const { return size_; }
  torch::Device device() const { return device_; }

  void Broadcast(const torch::Tensor& tensor) {
    std::vector<torch::Tensor> tensors = {tensor};
    Guarded([&] { backend_->broadcast(tensors)->wait(); });
  }

  Work StartSum(const torch::Tensor& tensor) {
    std::vector<torch::Tensor> tensors = {tensor};
    Work work;
    Guarded([&] { work = backend_->allreduce(tensors); });
    return work;
  }

  void Wait(const Work& work) {
    Guarded([&] { work->wait(); });
  }

  void SumValues(const torch::Tensor& tensor) {
    std::vector<torch::Tensor> tensors = {tensor};
    Guarded([&] { values_->allreduce(tensors)->wait(); });
  }

 private:
  // c10d throws whatever its backends throw.
  template <typename Call>
  void Guarded(const Call& call) {
    try {
      call();
    } catch (const std::exception& error) {
      throw PeerLost(absl::StrCat(
          "process ", rank_, " of ", size_,
          " lost contact: another process has ended, or was silent for ",
          absl::FormatDuration(timeout_), " (", FirstLine(error.what()), ")"));
    }
  }

  static std::string FirstLine(const std::string& text) {
    return text.substr(0, text.find('\n'));
  }

  const int rank_;
  const int size_;
  const torch::Device device_;
  const absl::Duration timeout_;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<Backend> backend_;
  // A group of its own, so that sums inside forward and backward passes and
  // those of gradients, which overlap, cannot take each other's place.
  c10::intrusive_ptr<Backend> values_;
};

namespace {

// Sum with the sum of the gradients behind it.
template <typename Impl>
class SumFunction : public torch::autograd::Function<SumFunction<Impl>> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& x, int64_t impl) {
    context->saved_data["impl"] = impl;
    return Sum(x, impl);
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      torch::autograd::variable_list gradients) {
    return {Sum(gradients[0], context->saved_data["impl"].toInt()),
            torch::Tensor()};
  }

 private:
  // The group outlives the step that the graph belongs to.
  static torch::Tensor Sum(const torch::Tensor& x, int64_t impl) {
    const torch::Tensor sum = x.contiguous().clone();
    reinterpret_cast<Impl*>(impl)->SumValues(sum);
    return sum;
  }
};

}  // namespace

ProcessGroup::ProcessGroup(std::shared_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
ProcessGroup::~ProcessGroup() = default;

absl::StatusOr<std::shared_ptr<ProcessGroup>> ProcessGroup::Join(
    const ProcessEnvironment& environment, torch::Device device,
    absl::Duration timeout) {
  auto impl = std::make_shared<Impl>(environment, device, timeout);
  try {
    RETURN_IF_ERROR(impl->Connect(environment));
  } catch (const std::exception& error) {
    const std::string reason = error.what();
    return absl::UnavailableError(absl::StrCat(
        "process ", environment.rank, " of ", environment.size,
        " cannot meet the others at ", environment.address, ":",
        environment.port, " (", reason.substr(0, reason.find('\n')),
        "); are MASTER_ADDR and MASTER_PORT right, and do all processes run?"));
  }
  return std::shared_ptr<ProcessGroup>(new ProcessGroup(std::move(impl)));
}

int ProcessGroup::rank() const { return impl_->rank(); }
int ProcessGroup::size() const { return impl_->size(); }

void ProcessGroup::Broadcast(std::string* text) {
  const auto on_device = torch::TensorOptions(impl_->device());
  torch::Tensor size = torch::full({1}, static_cast<int64_t>(text->size()),
                                   on_device.dtype(torch::kInt64));
  impl_->Broadcast(size);
  text->resize(static_cast<size_t>(size.item<int64_t>()));
  const torch::Tensor host = torch::from_blob(
      &(*text)[0], {static_cast<int64_t>(text->size())}, torch::kUInt8);
  torch::Tensor bytes = host.to(impl_->device());
  impl_->Broadcast(bytes);
  host.copy_(bytes);
}

// As a sum of what is zero but for each process's own part, since not every
// backend can gather.
std::vector<std::string> ProcessGroup::Gather(const std::string& text) {
  torch::Tensor lengths = torch::zeros({size()}, torch::kInt64);
  lengths[rank()] = static_cast<int64_t>(text.size());
  lengths = lengths.to(impl_->device());
  Sum(lengths);
  lengths = lengths.cpu();
  torch::Tensor bytes =
      torch::zeros({size(), lengths.max().item<int64_t>()}, torch::kUInt8);
  std::copy(text.begin(), text.end(), bytes[rank()].data_ptr<uint8_t>());
  bytes = bytes.to(impl_->device());
  Sum(bytes);
  bytes = bytes.cpu();
  std::vector<std::string> texts;
  for (int i = 0; i < size(); ++i) {
    const auto* begin = bytes[i].data_ptr<uint8_t>();
    texts.emplace_back(begin, begin + lengths[i].item<int64_t>());
  }
  return texts;
}

void ProcessGroup::Sum(torch::Tensor tensor) {
  impl_->Wait(impl_->StartSum(tensor));
}

std::function<void()> ProcessGroup::StartSum(torch::Tensor tensor) {
  return [impl = impl_, work = impl_->StartSum(tensor)] { impl->Wait(work); };
}

torch::Tensor ProcessGroup::DifferentiableSum(const torch::Tensor& tensor) {
  return SumFunction<Impl>::apply(tensor,
                                  reinterpret_cast<int64_t>(impl_.get()));
}

}  // namespace pipelines::parallel
