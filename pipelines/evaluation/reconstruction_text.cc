// The results of an evaluation as a table and as JSON.
// Tested by reconstruction_test.cc.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "networks/files/utf8.h"
#include "pipelines/evaluation/reconstruction.h"

namespace pipelines {
namespace {

using Motion = std::optional<PuppetMetrics>;

// What the table has columns for.
struct Columns {
  bool lpips, motion;
};

std::vector<std::string> Cells(const Columns& columns,
                               const std::string& frames,
                               const FrameScore& score, const Motion& motion) {
  std::vector<std::string> cells = {frames, absl::StrFormat("%.4f", score.l1),
                                    absl::StrFormat("%.2f", score.psnr),
                                    absl::StrFormat("%.4f", score.ssim)};
  if (columns.lpips) {
    cells.push_back(score.lpips ? absl::StrFormat("%.4f", *score.lpips) : "");
  }
  if (!columns.motion) return cells;
  if (!motion) {
    cells.insert(cells.end(), 4, "");
    return cells;
  }
  for (const double value :
       {motion->JointTransferError(), motion->Pck(),
        motion->FlowEndPointError(), motion->PuppetFlowEndPointError()}) {
    cells.push_back(absl::StrFormat("%.4f", value));
  }
  return cells;
}

void SetScore(const FrameScore& score, ScoreProto* proto) {
  proto->set_l1(score.l1);
  proto->set_psnr(score.psnr);
  proto->set_ssim(score.ssim);
  if (score.lpips) proto->set_lpips(*score.lpips);
}

void SetMotion(const Motion& motion, ScoreProto* proto) {
  if (!motion) return;
  proto->set_joint_transfer_error(motion->JointTransferError());
  proto->set_pck(motion->Pck());
  proto->set_flow_error(motion->FlowEndPointError());
  proto->set_puppet_flow_error(motion->PuppetFlowEndPointError());
}

// Names of files may hold any bytes, which protobuf's JSON leaves out if they
// are not UTF-8. They are written as C has them: "caf\xe9".
void EscapeBytes(google::protobuf::Message* message) {
  const google::protobuf::Reflection& access = *message->GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  access.ListFields(*message, &fields);
  for (const auto* field : fields) {
    if (field->message_type() != nullptr && field->is_repeated()) {
      for (int i = 0; i < access.FieldSize(*message, field); ++i) {
        EscapeBytes(access.MutableRepeatedMessage(message, field, i));
      }
    } else if (field->message_type() != nullptr) {
      EscapeBytes(access.MutableMessage(message, field));
    } else if (field->type() == field->TYPE_STRING && !field->is_repeated()) {
      const std::string text = access.GetString(*message, field);
      if (!networks::files::IsUtf8(text)) {
        access.SetString(message, field, absl::CHexEscape(text));
      }
    }
  }
}

}  // namespace

ScoreTable EvaluationTable(const EvaluationResult& result) {
  const Columns columns = {result.model.lpips.has_value(),
                           result.motion.has_value()};
  ScoreTable table;
  table.columns = {"frames", "L1", "PSNR", "SSIM"};
  if (columns.lpips) table.columns.push_back("LPIPS");
  if (columns.motion) {
    for (const char* name : {"joints", "PCK", "flow", "puppet flow"}) {
      table.columns.push_back(name);
    }
  }
  for (const ClipResult& clip : WorstFirst(result)) {
    table.rows.push_back({clip.name, Cells(columns, absl::StrCat(clip.frames),
                                           clip.model, clip.motion)});
  }
  int frames = 0;
  for (const ClipResult& clip : result.clips) frames += clip.frames;
  table.summary = {{"mean of all frames", Cells(columns, absl::StrCat(frames),
                                                result.model, result.motion)},
                   {"first frame, unmoved",
                    Cells(columns, "", result.first_frame, result.no_motion)}};
  return table;
}

std::string EvaluationText(const EvaluationResult& result) {
  return ScoreTableText(EvaluationTable(result));
}

EvaluationProto ToProto(const EvaluationResult& result,
                        const EvaluationSetting& setting) {
  EvaluationProto proto;
  SetScore(result.model, proto.mutable_model());
  SetMotion(result.motion, proto.mutable_model());
  SetScore(result.first_frame, proto.mutable_first_frame());
  SetMotion(result.no_motion, proto.mutable_first_frame());
  for (const ClipResult& clip : WorstFirst(result)) {
    ClipResultProto* added = proto.add_clips();
    added->set_name(clip.name);
    added->set_frames(clip.frames);
    SetScore(clip.model, added->mutable_model());
    SetMotion(clip.motion, added->mutable_model());
    SetScore(clip.first_frame, added->mutable_first_frame());
    SetMotion(clip.no_motion, added->mutable_first_frame());
  }
  if (setting.ByteSizeLong() > 0) *proto.mutable_setting() = setting;
  return proto;
}

std::string EvaluationJson(const EvaluationResult& result,
                           const EvaluationSetting& setting) {
  return ToJson(ToProto(result, setting));
}

std::string ToJson(const google::protobuf::Message& message) {
  std::unique_ptr<google::protobuf::Message> printable(message.New());
  printable->CopyFrom(message);
  EscapeBytes(printable.get());
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(*printable, &json, options);
  return status.ok() ? json : "{}";
}

}  // namespace pipelines
