#include "networks/cpu/bfloat16_kernels.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "networks/cpu/amx_multiply.h"

namespace networks::cpu {
namespace {

// The instructions themselves; in assembler, since g++'s intrinsics take no
// template argument for a tile. Compilers use no tiles of their own accord.
struct Instructions {
  static void Configure(const amx::TileShapes& shapes) {
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }
  static void Release() { asm volatile("tilerelease" : : : "memory"); }
  template <amx::Tile kTile>
  static void Zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <amx::Tile kTile>
  static void Load(const void* data, int64_t row_bytes) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2"
                 :
                 : "r"(data), "r"(row_bytes), "i"(kTile)
                 : "memory");
  }
  template <amx::Tile kTile>
  static void Store(void* data, int64_t row_bytes) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)"
                 :
                 : "r"(data), "r"(row_bytes), "i"(kTile)
                 : "memory");
  }
  template <amx::Tile kSum, amx::Tile kLeft, amx::Tile kRight>
  static void AddProduct() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                 :
                 : "i"(kSum), "i"(kLeft), "i"(kRight));
  }
};

void Multiply(const Bfloat16Bits* a, int64_t a_stride, const Bfloat16Bits* b,
              float* c, int64_t c_stride, int64_t rows, int64_t depth) {
  amx::Multiply<Instructions>(a, a_stride, b, c, c_stride, rows, depth);
}

bool ProcessorHasAmx() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kAmxBfloat16 = 1u << 22, kAmxTile = 1u << 24;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
         (edx & kAmxBfloat16) != 0 && (edx & kAmxTile) != 0;
}

// Where the system does not know tiles it answers with an error.
bool SystemGivesTiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

const Bfloat16Kernels* MakeKernels() {
  if (Avx512Bfloat16Kernels() == nullptr || !ProcessorHasAmx() ||
      !SystemGivesTiles()) {
    return nullptr;
  }
  static Bfloat16Kernels kernels = *Avx512Bfloat16Kernels();
  kernels.name = "amx_bfloat16";
  kernels.multiply = Multiply;
  return &kernels;
}

}  // namespace

const Bfloat16Kernels* AmxBfloat16Kernels() {
  static const Bfloat16Kernels* const kernels = MakeKernels();
  return kernels;
}

}  // namespace networks::cpu

#else

namespace networks::cpu {
const Bfloat16Kernels* AmxBfloat16Kernels() { return nullptr; }
}  // namespace networks::cpu

#endif
