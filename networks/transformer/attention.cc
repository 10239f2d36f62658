#include "networks/transformer/attention.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

namespace networks::transformer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// On a processor 4 MB of float32 scores: large enough for the matrix products
// to run at full speed, small enough to stay in a cache between the steps that
// touch them; see transformers_benchmark.cc. A GPU has thousands of cores to
// fill, and each block costs it some ten launches.
int64_t MaxScores(const torch::Device& device) {
  return device.is_cpu() ? int64_t{1} << 20 : int64_t{1} << 26;
}

// Some heads, or some queries of one head.
struct Block {
  int64_t first_head, heads, first_query, queries;

  Tensor Of(const Tensor& per_query) const {
    return per_query.narrow(0, first_head, heads)
        .narrow(1, first_query, queries);
  }
  Tensor OfHeads(const Tensor& per_key) const {
    return per_key.narrow(0, first_head, heads);
  }
};

std::vector<Block> Blocks(int64_t heads, int64_t queries, int64_t keys,
                          int64_t max_scores) {
  const auto fitting = [&](int64_t size, int64_t total) {
    return std::clamp<int64_t>(max_scores / std::max<int64_t>(size, 1), 1,
                               std::max<int64_t>(total, 1));
  };
  const int64_t head_step = fitting(queries * keys, heads);
  const int64_t query_step = head_step > 1 ? queries : fitting(keys, queries);
  std::vector<Block> blocks;
  for (int64_t head = 0; head < heads; head += head_step) {
    for (int64_t query = 0; query < queries; query += query_step) {
      blocks.push_back({head, std::min(head_step, heads - head), query,
                        std::min(query_step, queries - query)});
    }
  }
  return blocks;
}

struct Inputs {
  Tensor query, key, value, row_bias, column_bias;
  double scale;

  // A custom function takes no undefined tensors: no bias is an empty one.
  bool biased() const { return row_bias.numel() > 0; }

  // softmax(scale q k^T + bias) of a block: [heads, queries, keys].
  Tensor Maps(const Block& block) const {
    Tensor scores =
        torch::bmm(block.Of(query) * scale, block.OfHeads(key).transpose(1, 2));
    if (biased()) {
      scores
          .view({block.heads, block.queries, row_bias.size(2),
                 column_bias.size(2)})
          .add_(block.Of(row_bias).unsqueeze(-1))
          .add_(block.Of(column_bias).unsqueeze(-2));
    }
    return scores.softmax(-1);
  }
};

class BlockedAttention : public torch::autograd::Function<BlockedAttention> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& query,
                        const Tensor& key, const Tensor& value,
                        const Tensor& row_bias, const Tensor& column_bias,
                        double scale, int64_t max_scores) {
    const Inputs inputs{query, key, value, row_bias, column_bias, scale};
    Tensor output = torch::empty({query.size(0), query.size(1), value.size(2)},
                                 query.options());
    for (const Block& block :
         Blocks(query.size(0), query.size(1), key.size(1), max_scores)) {
      block.Of(output).copy_(
          torch::bmm(inputs.Maps(block), block.OfHeads(value)));
    }
    context->save_for_backward(
        {query, key, value, row_bias, column_bias, output});
    context->saved_data["scale"] = scale;
    context->saved_data["max_scores"] = max_scores;
    return output;
  }

  // With P = softmax(S), O = P V:  dV = P^T dO,  dP = dO V^T,
  // dS = P * (dP - <dO, O>),  dQ = scale dS K,  dK = scale dS^T Q, and the
  // biases' gradients are dS summed over the columns or rows of the key map.
  static variable_list backward(AutogradContext* context,
                                const variable_list& output_gradients) {
    const variable_list saved = context->get_saved_variables();
    const Inputs inputs{saved[0], saved[1],
                        saved[2], saved[3],
                        saved[4], context->saved_data["scale"].toDouble()};
    const Tensor& gradient = output_gradients[0];
    const Tensor along_output = (gradient * saved[5]).sum(-1, true);
    Tensor d_query = torch::empty_like(inputs.query);
    Tensor d_key = torch::zeros_like(inputs.key);
    Tensor d_value = torch::zeros_like(inputs.value);
    Tensor d_rows = torch::empty_like(inputs.row_bias);
    Tensor d_columns = torch::empty_like(inputs.column_bias);
    for (const Block& block :
         Blocks(inputs.query.size(0), inputs.query.size(1), inputs.key.size(1),
                context->saved_data["max_scores"].toInt())) {
      const Tensor maps = inputs.Maps(block);
      const Tensor block_gradient = block.Of(gradient);
      Tensor d_scores = torch::bmm(block_gradient,
                                   block.OfHeads(inputs.value).transpose(1, 2));
      d_scores.sub_(block.Of(along_output)).mul_(maps);
      block.OfHeads(d_value).add_(
          torch::bmm(maps.transpose(1, 2), block_gradient));
      block.OfHeads(d_key).add_(
          torch::bmm(d_scores.transpose(1, 2), block.Of(inputs.query)),
          inputs.scale);
      block.Of(d_query).copy_(torch::bmm(d_scores, block.OfHeads(inputs.key)) *
                              inputs.scale);
      if (inputs.biased()) {
        const Tensor on_map =
            d_scores.view({block.heads, block.queries, inputs.row_bias.size(2),
                           inputs.column_bias.size(2)});
        block.Of(d_rows).copy_(on_map.sum(-1));
        block.Of(d_columns).copy_(on_map.sum(-2));
      }
    }
    return {d_query, d_key, d_value, d_rows, d_columns, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor Attend(const Tensor& query, const Tensor& key, const Tensor& value,
              double scale, const DecomposedBias& bias) {
  return AttendInBlocks(query, key, value, scale, bias,
                        MaxScores(query.device()));
}

Tensor AttendInBlocks(const Tensor& query, const Tensor& key,
                      const Tensor& value, double scale,
                      const DecomposedBias& bias, int64_t max_scores) {
  TORCH_CHECK(query.dim() == 3 && key.dim() == 3 && value.dim() == 3,
              "attention takes query, key and value [N, T, d], got ",
              query.sizes(), ", ", key.sizes(), ", ", value.sizes());
  TORCH_CHECK(bias.rows.defined() == bias.columns.defined(),
              "attention takes both parts of a decomposed bias or none");
  const Tensor none = query.new_empty({0});
  return BlockedAttention::apply(
      query, key, value, bias.rows.defined() ? bias.rows : none,
      bias.columns.defined() ? bias.columns : none, scale, max_scores);
}

Tensor AttentionMaps(const Tensor& query, const Tensor& key, double scale) {
  return torch::bmm(query * scale, key.transpose(1, 2)).softmax(-1);
}

}  // namespace networks::transformer
