#include "tools/cut_clips/cut_plan.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"

namespace tools {
namespace {

class Planner {
 public:
  Planner(const std::string& table, const ClipRecord& record,
          const CutOptions& options)
      : table_(table), options_(options) {
    plan_.record = record;
  }

  void Add(const ClipSpec& spec) {
    const std::string key = ClipKey(spec, options_);
    ClipOrigin wanted = {table_, CutText(spec, options_)};
    if (!IsThere(key)) {
      plan_.to_cut.push_back(&spec);
    } else if (const auto known = plan_.record.find(key);
               known == plan_.record.end()) {
      Replace(spec, key, "is there, and nothing says how it was cut", false);
    } else if (!IsSameCut(known->second.cut, spec, options_)) {
      Replace(spec, key,
              absl::StrCat("was cut ",
                           CutDifference(known->second.cut, spec, options_)),
              true);
    } else {
      plan_.kept.push_back(&spec);
      wanted.cut = known->second.cut;
    }
    named_.insert(key);
    wanted_[key] = wanted;
  }

  // After all have been added.
  void AddTwins(const ClipSpec& spec) {
    const std::string key = ClipKey(spec, options_);
    const std::string other = spec.partition == "train" ? "test" : "train";
    for (const char* ending : {".mp4", "/"}) {
      const std::string twin = absl::StrCat(other, "/", spec.name, ending);
      if (named_.count(twin) > 0 || !IsThere(twin)) continue;
      const auto known = plan_.record.find(twin);
      if (known == plan_.record.end()) {
        AddStale(twin,
                 absl::StrCat("has the name of ", key,
                              ", and nothing says how it was cut"),
                 false);
      } else if (MayShowTheSame(known->second.cut, spec, options_)) {
        AddStale(twin, absl::StrCat("shows the same as ", key), true);
      }
    }
  }

  CutPlan Finish(const std::vector<ClipSpec>& specs) {
    // Without a list nobody has taken a video off it: what is gone asks for
    // nothing.
    const bool is_folder = absl::EndsWith(table_, "/");
    const std::set<std::string> states =
        is_folder ? VideoStates(specs) : std::set<std::string>();
    for (const auto& [key, origin] : ClipRecord(plan_.record)) {
      if (origin.table != table_ || named_.count(key) > 0) continue;
      if (!IsThere(key)) {
        plan_.record.erase(key);
      } else if (!is_folder || !IsVideoGone(origin.cut, states)) {
        AddStale(key, "is no longer asked for", true);
      }
    }
    for (const StaleClip& clip : plan_.stale) {
      if (clip.is_ours) plan_.record.erase(clip.key);
    }
    for (const auto& [key, origin] : wanted_) plan_.record[key] = origin;
    return std::move(plan_);
  }

 private:
  bool IsThere(const std::string& key) const {
    std::error_code error;
    return std::filesystem::exists(
        absl::StrCat(options_.output_folder, "/", key), error);
  }

  void Replace(const ClipSpec& spec, const std::string& key,
               const std::string& why, bool is_ours) {
    plan_.to_cut.push_back(&spec);
    AddStale(key, why, is_ours);
  }

  void AddStale(const std::string& key, const std::string& why, bool is_ours) {
    if (!named_.insert(key).second) return;
    plan_.stale.push_back({key, why, is_ours});
  }

  const std::string& table_;
  const CutOptions& options_;
  CutPlan plan_;
  std::set<std::string> named_;  // by the table, or stale already
  ClipRecord wanted_;
};

// The same for all names of a file, as with and without its ending.
std::string VideoOf(const ClipSpec& spec) {
  if (spec.video.empty()) return spec.file;
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(spec.video, error);
  return error ? spec.video : path.string();
}

// Stands for the size of a frame that is not known: beyond all boxes of lists.
constexpr int kLargeSide = 1 << 20;

// What a clip of `size` shows of `box`; nullopt: the whole frame.
std::optional<cv::Rect> ShownBox(const std::optional<cv::Rect>& box,
                                 const std::optional<cv::Size>& size) {
  if (!box) return std::nullopt;
  const cv::Size frame(kLargeSide, kLargeSide);
  const cv::Rect inside = *box & cv::Rect(cv::Point(0, 0), frame);
  if (!size || inside.empty()) return inside;
  return WithAspect(inside, *size, frame);
}

// Of clips of one video, and their sizes.
template <typename Clip>
bool Overlap(const Clip& a, const std::optional<cv::Size>& size_of_a,
             const Clip& b, const std::optional<cv::Size>& size_of_b) {
  if (a.start >= b.end || b.start >= a.end) return false;
  const std::optional<cv::Rect> box_of_a = ShownBox(a.box, size_of_a);
  const std::optional<cv::Rect> box_of_b = ShownBox(b.box, size_of_b);
  return !box_of_a || !box_of_b || !(*box_of_a & *box_of_b).empty();
}

std::string SharedFramesText(const ClipSpec& a, const ClipSpec& b) {
  if (a.line == 0) {
    return absl::StrCat(a.file, " and ", b.file,
                        " are one video, which is in both train and test");
  }
  return absl::StrCat("lines ", std::min(a.line, b.line), " and ",
                      std::max(a.line, b.line), " put frames of ", a.file,
                      " into both train and test");
}

struct RecordedClip {
  std::string key;
  ShownFrames shown;
};

bool IsWhole(const ShownFrames& shown) {
  return shown.start == 0 && std::isinf(shown.end);
}

// Seconds and frames cannot be compared before the video is opened. A whole
// video has all of both.
bool HaveComparableTimes(const ShownFrames& a, const ShownFrames& b) {
  return a.unit == b.unit || IsWhole(a) || IsWhole(b);
}

// Whether the one is for training and the other for testing, and both show the
// same frames, or may do so where their times cannot be compared. Of clips of
// one video.
bool IsLeak(const RecordedClip& a, const RecordedClip& b) {
  ShownFrames other = b.shown;
  if (!HaveComparableTimes(a.shown, other)) {
    other.start = a.shown.start;
    other.end = a.shown.end;
  }
  return a.key.substr(0, a.key.find('/')) != b.key.substr(0, b.key.find('/')) &&
         Overlap(a.shown, a.shown.size, other, other.size);
}

std::string LeakText(const RecordedClip& clip, const RecordedClip& other) {
  return absl::StrCat(
      clip.key, " and ", other.key, ", which is there already, ",
      HaveComparableTimes(clip.shown, other.shown)
          ? "show the same frames of a video"
          : "may show the same frames of a video: one is cut by seconds, the "
            "other by frames");
}

}  // namespace

CutPlan MakePlan(const std::vector<ClipSpec>& specs, const std::string& table,
                 const ClipRecord& record, const CutOptions& options) {
  Planner planner(table, record, options);
  for (const ClipSpec& spec : specs) planner.Add(spec);
  for (const ClipSpec& spec : specs) planner.AddTwins(spec);
  return planner.Finish(specs);
}

std::vector<std::string> SharedFrames(const std::vector<ClipSpec>& specs,
                                      const CutOptions& options) {
  std::map<std::string, std::vector<const ClipSpec*>> by_video;
  for (const ClipSpec& spec : specs) by_video[VideoOf(spec)].push_back(&spec);
  std::vector<std::string> shared;
  for (auto& [video, clips] : by_video) {
    std::stable_sort(clips.begin(), clips.end(),
                     [](const ClipSpec* a, const ClipSpec* b) {
                       return a->start < b->start;
                     });
    for (size_t i = 0; i < clips.size(); ++i) {
      for (size_t j = i + 1; j < clips.size(); ++j) {
        const ClipSpec& a = *clips[i];
        const ClipSpec& b = *clips[j];
        if (b.start >= a.end) break;
        if (a.partition == b.partition ||
            !Overlap(a, options.size, b, options.size)) {
          continue;
        }
        shared.push_back(SharedFramesText(a, b));
      }
    }
  }
  return shared;
}

std::vector<std::string> SharedWithOthers(const std::vector<ClipSpec>& specs,
                                          const ClipRecord& record,
                                          const CutOptions& options) {
  std::set<std::string> named;
  for (const ClipSpec& spec : specs) named.insert(ClipKey(spec, options));
  struct OfVideo {
    std::vector<RecordedClip> named, others;
  };
  std::map<std::string, OfVideo> by_video;
  for (const auto& [key, origin] : record) {
    const std::optional<ShownFrames> shown = FramesOf(origin.cut);
    if (!shown) continue;
    OfVideo& clips = by_video[shown->video];
    (named.count(key) > 0 ? clips.named : clips.others)
        .push_back({key, *shown});
  }
  std::vector<std::string> shared;
  for (const auto& [video, clips] : by_video) {
    for (const RecordedClip& other : clips.others) {
      std::error_code error;
      if (!std::filesystem::exists(
              absl::StrCat(options.output_folder, "/", other.key), error)) {
        continue;
      }
      for (const RecordedClip& clip : clips.named) {
        if (IsLeak(clip, other)) shared.push_back(LeakText(clip, other));
      }
    }
  }
  return shared;
}

}  // namespace tools
