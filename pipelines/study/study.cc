#include "pipelines/study/study.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pipelines/base/shipped_file.h"
#include "pipelines/config/config.h"
#include "pipelines/config/other_data.h"
#include "pipelines/config/override.h"
#include "pipelines/config/text_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// A name of a folder in any shell and any file system.
bool IsPlainName(absl::string_view name) {
  return !name.empty() && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
         });
}

absl::Status CheckVariants(const Study& study) {
  if (study.variants().empty()) return Invalid("variants: name at least one");
  std::set<std::string> names;
  for (int i = 0; i < study.variants_size(); ++i) {
    const std::string& name = study.variants(i).name();
    const std::string field = absl::StrCat("variants[", i, "].name");
    if (!IsPlainName(name)) {
      return Invalid(absl::StrCat(field, " is '", name,
                                  "'; use letters, digits, '-', '_' and '.'"));
    }
    if (!names.insert(name).second) {
      return Invalid(absl::StrCat(field, " '", name, "' is there twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckStudy(const Study& study) {
  if (study.config().empty()) {
    return Invalid("config: name a shipped config, as \"demo\", or a path");
  }
  if ((study.steps() > 0) == (study.minutes() > 0)) {
    return Invalid("give either steps or minutes, above 0, for each run");
  }
  const std::set<uint64_t> seeds(study.seeds().begin(), study.seeds().end());
  if (static_cast<int>(seeds.size()) != study.seeds_size()) {
    return Invalid("seeds: one is there twice");
  }
  return CheckVariants(study);
}

// A budget of the other kind goes, unless both are given.
void Replace(const StudyBudget& budget, Study* study) {
  if (!budget.seeds.empty()) {
    study->mutable_seeds()->Assign(budget.seeds.begin(), budget.seeds.end());
  }
  if (budget.steps == 0 && budget.minutes == 0) return;
  study->set_steps(budget.steps);
  study->set_minutes(budget.minutes);
}

absl::StatusOr<Study> ReadStudy(const std::string& path,
                                const StudyBudget& budget) {
  Study study;
  RETURN_IF_ERROR(ReadTextFormat(path, &study));
  Replace(budget, &study);
  if (const absl::Status status = CheckStudy(study); !status.ok()) {
    return Invalid(absl::StrCat(path, ": ", status.message()));
  }
  if (study.seeds().empty()) study.add_seeds(0);
  return study;
}

bool HasSeedOrBudget(const Config& config) {
  const TrainingConfig& training = config.training();
  return training.has_seed() || training.has_num_epochs() ||
         training.has_max_steps() || training.has_max_minutes();
}

absl::StatusOr<std::vector<std::string>> Overrides(
    const Study& study, const Variant& variant,
    const std::vector<std::string>& last, uint64_t seed) {
  std::vector<std::string> result(study.set().begin(), study.set().end());
  result.insert(result.end(), variant.set().begin(), variant.set().end());
  result.insert(result.end(), last.begin(), last.end());
  RETURN_IF_ERROR(
      RefuseDecided(result, HasSeedOrBudget,
                    "the study's seeds and its steps or minutes, or ablate's "
                    "--seeds, --steps and --minutes"));
  result.push_back(absl::StrCat("training.seed=", seed));
  result.push_back("training.num_epochs=1000000");
  result.push_back(absl::StrCat("training.max_steps=", study.steps()));
  result.push_back(absl::StrCat("training.max_minutes=", study.minutes()));
  return result;
}

absl::StatusOr<Config> ConfigOf(const std::string& path, const Study& study,
                                const Variant& variant,
                                const std::vector<std::string>& last,
                                uint64_t seed) {
  ASSIGN_OR_RETURN(const std::vector<std::string> overrides,
                   Overrides(study, variant, last, seed));
  ASSIGN_OR_RETURN(Config config, LoadConfig(path, overrides));
  // As train keeps it.
  MakeFolderAbsolute(config.mutable_data());
  return config;
}

// What decides which test frames are scored and how, without what does not: the
// puppets of the test split are the same whatever the number of the others.
Config Scoring(const Config& config) {
  Config scoring;
  DataConfig* data = scoring.mutable_data();
  if (config.data().has_folder()) data->set_folder(config.data().folder());
  if (config.data().has_puppets()) {
    *data->mutable_puppets() = config.data().puppets();
    data->mutable_puppets()->clear_num_train();
  }
  data->set_height(config.data().height());
  data->set_width(config.data().width());
  EvaluationConfig* evaluation = scoring.mutable_evaluation();
  *evaluation = config.evaluation();
  evaluation->clear_batch_size();
  evaluation->clear_pictured_clips();
  evaluation->clear_sheet_clips();
  return scoring;
}

// The table has one line for the first frame and the page one column of driving
// frames.
absl::Status CheckSameScoring(const StudyRun& first, const Config& config) {
  const std::vector<std::string> differences =
      ConfigDifferences(Scoring(first.config), Scoring(config));
  if (differences.empty()) return absl::OkStatus();
  return Invalid(absl::StrCat(
      differences[0], ", against variant '", first.variant,
      "': variants are compared on the same frames; set this field for all"));
}

// An override that changes nothing, as of a field's own value, makes a variant
// that is compared with itself.
absl::Status CheckDiffers(const std::vector<StudyRun>& runs, uint64_t seed,
                          const Config& config) {
  for (const StudyRun& other : runs) {
    if (other.seed != seed) continue;
    if (!ConfigDifferences(other.config, config).empty()) continue;
    return Invalid(absl::StrCat("has the same config as variant '",
                                other.variant,
                                "': its overrides change nothing"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StudyPlan> LoadStudy(const std::string& path,
                                    const std::string& output,
                                    const std::vector<std::string>& overrides,
                                    const StudyBudget& budget) {
  StudyPlan plan;
  ASSIGN_OR_RETURN(plan.study, ReadStudy(path, budget));
  plan.name = std::filesystem::path(path).stem();
  plan.output = output;
  ASSIGN_OR_RETURN(const std::string config_path,
                   ShippedOrUserFile("config", "pipelines/config/shipped",
                                     plan.study.config()));
  for (const Variant& variant : plan.study.variants()) {
    plan.variants.push_back(variant.name());
  }
  for (const uint64_t seed : plan.study.seeds()) {
    for (const Variant& variant : plan.study.variants()) {
      const absl::StatusOr<Config> config =
          ConfigOf(config_path, plan.study, variant, overrides, seed);
      absl::Status status = config.status();
      if (status.ok() && !plan.runs.empty()) {
        status = CheckSameScoring(plan.runs[0], *config);
      }
      if (status.ok()) {
        status = CheckDiffers(plan.runs, seed, *config);
      }
      if (!status.ok()) {
        return absl::Status(status.code(),
                            absl::StrCat(path, ": variant '", variant.name(),
                                         "': ", status.message()));
      }
      plan.runs.push_back(
          {variant.name(), seed,
           absl::StrCat(output, "/", variant.name(), "-seed", seed), *config});
    }
  }
  return plan;
}

absl::Status RefuseDecided(const std::vector<std::string>& overrides,
                           bool (*is_decided)(const Config&),
                           absl::string_view deciders) {
  for (const std::string& assignment : overrides) {
    Config config;
    // LoadConfig says what is wrong with one that cannot be applied.
    if (!ApplyOverride(assignment, &config).ok()) continue;
    if (!is_decided(config)) continue;
    return Invalid(absl::StrCat("override ", assignment,
                                ": this field has no effect here; ", deciders,
                                " decide on it"));
  }
  return absl::OkStatus();
}

}  // namespace pipelines
