#include "networks/weights/key_map.h"

#include "gtest/gtest.h"

namespace networks::weights {
namespace {

TEST(KeyMap, StripsAPrefix) {
  EXPECT_EQ(StripPrefix("a.")("a.b.c"), "b.c");
  EXPECT_EQ(StripPrefix("a.")("b.a.c"), "");
}

TEST(KeyMap, FindsTheDinoBackboneInAnyOfItsFiles) {
  const KeyMap map = DinoBackbone();
  EXPECT_EQ(map("blocks.11.attn.qkv.weight"), "blocks.11.attn.qkv.weight");
  EXPECT_EQ(map("teacher.backbone.cls_token"), "cls_token");
  EXPECT_EQ(map("module.backbone.norm.bias"), "norm.bias");
  EXPECT_EQ(map("teacher.head.last_layer.weight_g"), "");
  EXPECT_EQ(map("student.module.backbone.norm.bias"), "");
  EXPECT_EQ(map("dino_loss.center"), "");
  EXPECT_EQ(map("mask_token"), "");
  EXPECT_EQ(map("register_tokens"), "register_tokens");
}

TEST(KeyMap, TakesWrappersOffSegmentAnything) {
  EXPECT_EQ(SegmentAnything()("image_encoder.pos_embed"),
            "image_encoder.pos_embed");
  EXPECT_EQ(SegmentAnything()("module.mask_decoder.iou_token.weight"),
            "mask_decoder.iou_token.weight");
  EXPECT_EQ(SegmentAnything()("image_encoder.head.weight"), "");
  EXPECT_EQ(SegmentAnything()("image_encoder.norm_head.bias"), "");
}

}  // namespace
}  // namespace networks::weights
