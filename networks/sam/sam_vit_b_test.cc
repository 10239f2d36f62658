// The real ViT-B at 1024 x 1024 against the original. Takes some 30 s and
// 2 GB, hence tagged manual:
//
//   tools/bazelw test //networks/sam:sam_vit_b_test
#include "gtest/gtest.h"
#include "networks/sam/golden_case.h"

namespace networks::sam {
namespace {

TEST(SamVitB, EqualsTheOriginal) { ExpectEqualToOriginal(VitBCase()); }

}  // namespace
}  // namespace networks::sam
