#include "pipelines/config/former_fields.h"

namespace pipelines {
namespace {

void MoveGradient(CpabConfig* cpab, ModelConfig* model) {
  if (!cpab->has_gradient()) return;
  model->set_gradient(cpab->gradient());
  cpab->clear_gradient();
}

// Of several places the local transforms' counts.
void MoveGradients(ModelConfig* model) {
  if (model->global().has_cpab()) {
    MoveGradient(model->mutable_global()->mutable_cpab(), model);
  }
  if (model->has_global_cpab()) {
    MoveGradient(model->mutable_global_cpab(), model);
  }
  if (model->local().has_cpab()) {
    MoveGradient(model->mutable_local()->mutable_cpab(), model);
  }
  if (model->has_local_cpab()) MoveGradient(model->mutable_local_cpab(), model);
}

// Chooses the kind; options that it has already stay.
void ChooseMotion(ModelConfig::Motion kind, MotionConfig* motion) {
  switch (kind) {
    case ModelConfig::MOTION_UNSPECIFIED:
    case ModelConfig::CPAB:
      motion->mutable_cpab();
      return;
    case ModelConfig::THIN_PLATE:
      motion->mutable_thin_plate();
      return;
    case ModelConfig::AFFINE:
      motion->mutable_affine();
      return;
  }
}

bool MayBeCpab(const MotionConfig& motion) {
  return motion.has_cpab() ||
         motion.model_case() == MotionConfig::MODEL_NOT_SET;
}

void MoveRidges(const ModelConfig& model, MotionConfig* motion) {
  if (motion->has_thin_plate()) {
    ThinPlateConfig* spline = motion->mutable_thin_plate();
    if (model.has_bending_ridge()) {
      spline->set_bending_ridge(model.bending_ridge());
    }
    if (model.has_affine_ridge())
      spline->set_affine_ridge(model.affine_ridge());
  }
  if (motion->has_affine() && model.has_affine_ridge()) {
    motion->mutable_affine()->set_ridge(model.affine_ridge());
  }
}

}  // namespace

void MoveFormerFields(ModelConfig* model) {
  MoveGradients(model);
  if (model->has_motion()) {
    ChooseMotion(model->motion(), model->mutable_local());
    ChooseMotion(model->motion(), model->mutable_global());
  }
  if (model->has_local_cpab() && MayBeCpab(model->local())) {
    model->mutable_local()->mutable_cpab()->MergeFrom(model->local_cpab());
  }
  if (model->has_global_cpab() && MayBeCpab(model->global())) {
    model->mutable_global()->mutable_cpab()->MergeFrom(model->global_cpab());
  }
  if (model->has_bending_ridge() || model->has_affine_ridge()) {
    MoveRidges(*model, model->mutable_local());
    MoveRidges(*model, model->mutable_global());
  }
  model->clear_motion();
  model->clear_local_cpab();
  model->clear_global_cpab();
  model->clear_bending_ridge();
  model->clear_affine_ridge();
}

}  // namespace pipelines
