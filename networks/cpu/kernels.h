// Vector kernels for the CPU, chosen at run time.
//
// Plain C++ on raw buffers, without LibTorch, so that one source can be
// compiled for several instruction sets. Shapes are checked by the callers,
// networks/cpu/winograd.h and networks/cpu/pixels.h.
//
// Images are channels_last: a pixel is `channels` consecutive floats, and rows
// and pixels may be farther apart than that (a slice of a wider image).
#ifndef NETWORKS_CPU_KERNELS_H_
#define NETWORKS_CPU_KERNELS_H_

#include <cstdint>

namespace networks::cpu {

// An image [height, width, channels] in memory; strides count floats.
template <typename Float>
struct PixelView {
  Float* data;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t row_stride;
  int64_t pixel_stride;

  Float* pixel(int64_t y, int64_t x) const {
    return data + y * row_stride + x * pixel_stride;
  }
};
using ConstPixels = PixelView<const float>;
using Pixels = PixelView<float>;

// relu(x * scale + shift) by channel; none if scale is null.
struct ChannelAffineRelu {
  const float* scale = nullptr;
  const float* shift = nullptr;
};

// Winograd's F(4x4, 3x3): tiles of 4x4 outputs from 6x6 inputs through 36
// products. See networks/cpu/winograd.h.
constexpr int64_t kTileOutputs = 4;
constexpr int64_t kTileInputs = 6;
constexpr int64_t kTilePositions = kTileInputs * kTileInputs;

// Buffers of the transformed domain: position p of tile t begins at
// data + p * position_stride + t * tile_stride.
struct TileBuffer {
  float* data;
  int64_t position_stride;
  int64_t tile_stride;
};

struct Kernels {
  const char* name;
  // Columns of a packed panel of weights; output channels are padded to it.
  int64_t panel_width;

  // c[i][j] = sum_k a[i][k] b[k][j] for i < rows, j < panel_width, k < depth.
  // b is packed: depth rows of panel_width.
  void (*multiply)(const float* a, int64_t a_stride, const float* b, float* c,
                   int64_t c_stride, int64_t rows, int64_t depth);

  // c[i][j] += sum_k a[k][i] b[k][j] for i < rows, j < panel_width, k < depth.
  void (*add_transposed_product)(const float* a, int64_t a_stride,
                                 const float* b, int64_t b_stride, float* c,
                                 int64_t c_stride, int64_t rows, int64_t depth);

  // G g G^T of the 3x3 weights g from one input channel to `columns` outputs:
  // weight (r, s) of output j is taps[(3 r + s) * columns + j]. Output j of
  // position p goes to panels + p * position_stride +
  // j / panel_width * panel_stride + j % panel_width; the last panel is filled
  // up with zeros.
  void (*transform_weight)(const float* taps, int64_t columns,
                           int64_t position_stride, int64_t panel_stride,
                           float* panels);

  // B^T d B of the 6x6 inputs d around the outputs (4 tile_y .. , 4 tile_x ..),
  // of the image doubled in size by repetition if `upsample`; zeros outside.
  void (*transform_input)(const ConstPixels& image,
                          const ChannelAffineRelu& activation, bool upsample,
                          int64_t tile_y, int64_t tile_x, int64_t tile,
                          const TileBuffer& out);

  // A^T m A plus bias plus, if `residual.data` is not null, the residual, into
  // the 4x4 outputs of a tile as far as they lie inside. Positions in row or
  // column 2 count as 0 if `upsample`.
  void (*transform_output)(const TileBuffer& in, bool upsample, int64_t tile_y,
                           int64_t tile_x, int64_t tile, const float* bias,
                           const ConstPixels& residual, const Pixels& out);

  // A g A^T of the gradient g of a tile's 4x4 outputs, zeros outside: the
  // adjoint of transform_output.
  void (*transform_output_gradient)(const ConstPixels& gradient, int64_t tile_y,
                                    int64_t tile_x, int64_t tile,
                                    const TileBuffer& out);

  // G^T u G of the gradients u of one input channel's transformed weights:
  // output j of position p is read from products + p * position_stride + j, and
  // goes to `taps` as in transform_weight, of which this is the adjoint.
  // `products` is readable up to whole vectors.
  void (*transform_weight_gradient)(const float* products,
                                    int64_t position_stride, int64_t columns,
                                    float* taps);

  // Adds sum(x - origin) and sum((x - origin)^2) over the pixels of one row to
  // `sum` and `sum_of_squares`, each [channels].
  void (*accumulate_moments)(const ConstPixels& image, int64_t y,
                             const float* origin, double* sum,
                             double* sum_of_squares);

  // One row of relu(x * scale + shift). `out` may be `in`.
  void (*activate)(const ConstPixels& in, const ChannelAffineRelu& activation,
                   int64_t y, const Pixels& out);

  // With g the gradient in relu(x * scale + shift), where that is above 0, of
  // one row: adds sum(g) and sum(g (x - origin)) to `sum` and
  // `sum_of_products`, each [channels].
  void (*accumulate_gradient)(const ConstPixels& image,
                              const ConstPixels& gradient,
                              const ChannelAffineRelu& activation, int64_t y,
                              const float* origin, double* sum,
                              double* sum_of_products);

  // One row of scale * g + x * slope + offset, with g as above.
  void (*pull_back_activation)(const ConstPixels& image,
                               const ConstPixels& gradient,
                               const ChannelAffineRelu& activation,
                               const float* slope, const float* offset,
                               int64_t y, const Pixels& out);

  // One row of the image sampled at `grid`, [height, width, 2] in [-1, 1]
  // (align_corners, bilinear, zeros outside), times `factor` [height, width]
  // if that is not null; `over`: plus what `out` has times 1 - factor.
  void (*warp)(const ConstPixels& image, const float* grid, const float* factor,
               bool over, int64_t y, const Pixels& out);
};

// The best that this processor has; null if it has none (the callers then use
// LibTorch's operators).
const Kernels* BestKernels();

// Null where the compiler's target or the processor does not have them.
const Kernels* Avx2Kernels();
const Kernels* Avx512Kernels();

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_KERNELS_H_
