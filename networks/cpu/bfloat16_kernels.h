// Vector kernels for Winograd's method with products in bfloat16, as
// networks/cpu/kernels.h for float32.
//
// Images, sums and everything else are float32: only the two factors of a
// product are rounded to bfloat16, of which a processor with units for it
// (AVX512-BF16) multiplies twice as many in the same time. The transforms'
// matrices are others than float32's, for which that rounding costs less:
// ReciprocalPoints in winograd_inl.h.
#ifndef NETWORKS_CPU_BFLOAT16_KERNELS_H_
#define NETWORKS_CPU_BFLOAT16_KERNELS_H_

#include <cstdint>

#include "networks/cpu/kernels.h"

namespace networks::cpu {

// The bits of a bfloat16: the upper half of a float's.
using Bfloat16Bits = uint16_t;

struct Bfloat16Kernels {
  const char* name;
  // Columns of a packed panel of weights; output channels are padded to it.
  int64_t panel_width;

  // c[i][j] = sum_k a[i][k] b[k][j] for i < rows, j < panel_width, k < depth,
  // an even number. b is packed in pairs: b[k][j] is at
  // k / 2 * 2 * panel_width + 2 j + k % 2.
  void (*multiply)(const Bfloat16Bits* a, int64_t a_stride,
                   const Bfloat16Bits* b, float* c, int64_t c_stride,
                   int64_t rows, int64_t depth);

  // G g G^T of the 3x3 weights g from two input channels to `columns` outputs:
  // weight (r, s) of output j is even[(3 r + s) * columns + j] of the first
  // channel and the same of `odd` of the second one. The pair of output j of
  // position p goes to panels + p * position_stride +
  // j / panel_width * panel_stride + j % panel_width * 2; the last panel is
  // filled up with zeros.
  void (*transform_weights)(const float* even, const float* odd,
                            int64_t columns, int64_t position_stride,
                            int64_t panel_stride, Bfloat16Bits* panels);

  // B^T d B of the inputs d of a tile, as Kernels::transform_input. Position p
  // goes to out + p * position_stride, whole vectors.
  void (*transform_input)(const ConstPixels& image,
                          const ChannelAffineRelu& activation, bool upsample,
                          int64_t tile_y, int64_t tile_x, Bfloat16Bits* out,
                          int64_t position_stride);

  // A^T m A plus bias and residual, as Kernels::transform_output. No position
  // counts as 0.
  void (*transform_output)(const TileBuffer& in, bool upsample, int64_t tile_y,
                           int64_t tile_x, int64_t tile, const float* bias,
                           const ConstPixels& residual, const Pixels& out);
};

// Null where the compiler's target or the processor does not have them.
const Bfloat16Kernels* Avx512Bfloat16Kernels();

// The same with the products on AMX, the matrix units of Intel's processors
// since Sapphire Rapids; null also where the system does not give its registers
// to this process. Sums are added in another order than with AVX512-BF16.
const Bfloat16Kernels* AmxBfloat16Kernels();

// The best of these within MostInstructions(), see instructions.h.
const Bfloat16Kernels* BestBfloat16Kernels();

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_BFLOAT16_KERNELS_H_
