#include "pipelines/media/audio_copier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/open_input.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

// What is copied into a container: what its players know of what it could hold,
// or whatever FFmpeg says that its muxer takes, less what it then refuses, and
// more that it takes. The rest is encoded by the first encoder that is there.
struct SoundRule {
  const char* muxer;
  bool asks_muxer;
  std::vector<AVCodecID> copied;
  std::vector<AVCodecID> refused;
  std::vector<const char*> encoders;
  int min_mp3_rate = 0;  // in Hz
};

const SoundRule& RuleOf(const AVFormatContext& output) {
  static const auto* const kRules = new std::vector<SoundRule>{
      // Browsers are silent for AC-3, E-AC-3 and DTS in an mp4.
      {"mp4",
       false,
       {AV_CODEC_ID_AAC, AV_CODEC_ID_MP3, AV_CODEC_ID_OPUS, AV_CODEC_ID_FLAC,
        AV_CODEC_ID_ALAC},
       {},
       {"aac"},
       // Below, it is MPEG-2.5, of which the MPEG-4 standard does not know.
       16000},
      // FFmpeg's table of tags, which is all that is asked, has these for mp4.
      {"mov",
       true,
       {},
       {AV_CODEC_ID_FLAC, AV_CODEC_ID_OPUS, AV_CODEC_ID_TRUEHD},
       {"aac"}},
      {"webm",
       false,
       {AV_CODEC_ID_OPUS, AV_CODEC_ID_VORBIS},
       {},
       {"libopus", "libvorbis"}},
      // What Windows has names for; FFmpeg does not say that it takes them.
      {"matroska",
       true,
       {AV_CODEC_ID_WMAV1, AV_CODEC_ID_WMAV2, AV_CODEC_ID_WMAPRO,
        AV_CODEC_ID_WMAVOICE, AV_CODEC_ID_WMALOSSLESS, AV_CODEC_ID_PCM_ALAW,
        AV_CODEC_ID_PCM_MULAW, AV_CODEC_ID_ADPCM_MS, AV_CODEC_ID_ADPCM_IMA_WAV},
       // Its last packet cannot be decoded unless the file ends with it.
       {AV_CODEC_ID_TTA},
       {"aac"}},
      // An AVI counts in bytes or frames of one length. Of others, as FLAC,
      // Vorbis, DTS and E-AC-3, FFmpeg writes an empty packet for each sample.
      {"avi",
       false,
       {AV_CODEC_ID_AAC, AV_CODEC_ID_MP3, AV_CODEC_ID_MP2, AV_CODEC_ID_AC3,
        AV_CODEC_ID_WMAV1, AV_CODEC_ID_WMAV2, AV_CODEC_ID_WMAPRO,
        AV_CODEC_ID_PCM_U8, AV_CODEC_ID_PCM_S16LE, AV_CODEC_ID_PCM_S24LE,
        AV_CODEC_ID_PCM_S32LE, AV_CODEC_ID_PCM_F32LE, AV_CODEC_ID_PCM_F64LE,
        AV_CODEC_ID_PCM_ALAW, AV_CODEC_ID_PCM_MULAW, AV_CODEC_ID_ADPCM_MS,
        AV_CODEC_ID_ADPCM_IMA_WAV},
       {},
       {"pcm_s16le"}},
      {"", true, {}, {}, {"aac"}},  // all others
  };
  const auto rule =
      std::find_if(kRules->begin(), kRules->end() - 1, [&](const SoundRule& r) {
        return output.oformat->name == absl::string_view(r.muxer);
      });
  return *rule;
}

bool Holds(const std::vector<AVCodecID>& codecs, AVCodecID codec) {
  return std::find(codecs.begin(), codecs.end(), codec) != codecs.end();
}

bool IsCopied(const SoundRule& rule, const AVFormatContext& output,
              const AVCodecParameters& sound) {
  const AVCodecID codec = sound.codec_id;
  if (codec == AV_CODEC_ID_NONE || Holds(rule.refused, codec)) return false;
  if (codec == AV_CODEC_ID_MP3 && sound.sample_rate < rule.min_mp3_rate) {
    return false;
  }
  if (Holds(rule.copied, codec)) return true;
  return rule.asks_muxer &&
         avformat_query_codec(output.oformat, codec, FF_COMPLIANCE_NORMAL) == 1;
}

using LanguageNames = std::vector<std::array<absl::string_view, 2>>;

// A string literal, or `language`.
const char* Translated(const char* language, const LanguageNames& names) {
  const auto found =
      std::find_if(names.begin(), names.end(),
                   [&](const auto& name) { return name[0] == language; });
  return found == names.end() ? language : (*found)[1].data();
}

// QuickTime has numbers for languages, for which FFmpeg has one name each,
// where ISO 639-2 has two of some, and names of its own. Of another name,
// FFmpeg's muxer writes no language.
const char* QuickTimeLanguage(const char* language) {
  static const auto* const kNames = new LanguageNames{
      {"bod", "tib"}, {"cym", "wel"}, {"cze", "ces"}, {"deu", "ger"},
      {"ell", "gre"}, {"eus", "baq"}, {"fao", "fo "}, {"fas", "per"},
      {"fre", "fra"}, {"gle", "iri"}, {"hrv", "hr "}, {"hye", "arm"},
      {"isl", "ice"}, {"kat", "geo"}, {"mkd", "mac"}, {"msa", "may"},
      {"mya", "bur"}, {"nld", "dut"}, {"nno", "nor"}, {"nob", "nor"},
      {"pan", "pa "}, {"rum", "ron"}, {"scc", "sr "}, {"scr", "hr "},
      {"slo", "slk"}, {"sqi", "alb"}, {"srp", "sr "}, {"swe", "sve"},
      {"zho", "chi"}};
  return Translated(language, *kNames);
}

// Of a name that only FFmpeg's demuxer of QuickTime gives.
const char* StandardLanguage(const char* language) {
  static const auto* const kNames =
      new LanguageNames{{"fo ", "fao"}, {"hr ", "hrv"}, {"iri", "gle"},
                        {"pa ", "pan"}, {"sr ", "srp"}, {"sve", "swe"}};
  return Translated(language, *kNames);
}

// Language, title, and which one is played first.
void CopyDescription(const AVStream& from, const AVOutputFormat& format,
                     AVStream* to) {
  const bool is_quicktime = format.name == absl::string_view("mov");
  for (const char* key : {"language", "title"}) {
    const AVDictionaryEntry* entry =
        av_dict_get(from.metadata, key, nullptr, 0);
    if (entry == nullptr) continue;
    const char* value = entry->value;
    if (key == absl::string_view("language")) {
      value = StandardLanguage(value);
      if (is_quicktime) value = QuickTimeLanguage(value);
    }
    av_dict_set(&to->metadata, key, value, 0);
  }
  to->disposition = from.disposition;
}

}  // namespace

std::optional<std::string> AviWarning(const std::string& what, double early) {
  // From which on viewers notice it [ITU-R BT.1359].
  constexpr double kNoticed = 0.045;  // seconds
  if (std::abs(early) < kNoticed) return std::nullopt;
  return absl::StrFormat(
      "an avi states no times: %s is %.2f s %s; an output named .mp4 or .mkv "
      "keeps it in step",
      what, std::abs(early), early > 0 ? "early" : "late");
}

absl::StatusOr<std::unique_ptr<AudioCopier>> AudioCopier::Create(
    const MediaInput& origin, AVFormatContext* output,
    std::vector<std::string>* warnings) {
  const std::string& path = origin.name;
  if (output->oformat->audio_codec == AV_CODEC_ID_NONE) {
    warnings->push_back(
        absl::StrCat("a ", output->oformat->name, " holds no sound; that of ",
                     path, " is left out; an output named .mp4 keeps it"));
    return nullptr;
  }
  ASSIGN_OR_RETURN(InputPtr input, OpenInput(origin));
  const bool has_streams = FindStreams(input.get(), path).ok();
  std::unique_ptr<AudioCopier> copier(
      new AudioCopier(path, std::move(input), output));
  bool has_audio = false;
  for (unsigned i = 0; has_streams && i < copier->input_->nb_streams; ++i) {
    AVStream* from = copier->input_->streams[i];
    if (from->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) {
      from->discard = AVDISCARD_ALL;
      continue;
    }
    has_audio = true;
    RETURN_IF_ERROR(copier->AddTrack(from, warnings));
  }
  if (!has_audio) {
    warnings->push_back(path + " has no audio; the output is silent");
  }
  if (copier->tracks_.empty()) return nullptr;
  return copier;
}

absl::Status AudioCopier::AddTrack(AVStream* from,
                                   std::vector<std::string>* warnings) {
  // No muxer takes a track that is listed and has no packet.
  if (from->codecpar->sample_rate <= 0) {
    from->discard = AVDISCARD_ALL;
    warnings->push_back(
        absl::StrCat("a track of the sound of ", path_,
                     " is left out: it is empty or begins too late"));
    return absl::OkStatus();
  }
  const SoundRule& rule = RuleOf(*output_);
  const std::string what =
      absl::StrCat("the sound of ", path_, " (",
                   avcodec_get_name(from->codecpar->codec_id), ")");
  Track track;
  track.from = from;
  if (IsCopied(rule, *output_, *from->codecpar)) {
    track.to = avformat_new_stream(output_, nullptr);
    avcodec_parameters_copy(track.to->codecpar, from->codecpar);
    // Tags differ between containers; the muxer knows its own.
    track.to->codecpar->codec_tag = 0;
    track.to->time_base = from->time_base;
    // What mp4 has long specified, some versions call experimental.
    if (from->codecpar->codec_id == AV_CODEC_ID_FLAC) {
      output_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    }
  } else {
    auto encoder = AudioEncoder::Create(*from, rule.encoders, output_, path_);
    if (!encoder.ok()) {
      from->discard = AVDISCARD_ALL;
      warnings->push_back(absl::StrCat(
          what, " is left out: ", std::string(encoder.status().message()),
          "; an output named .mkv may keep it"));
      return absl::OkStatus();
    }
    track.encoder = *std::move(encoder);
    const int given = from->codecpar->ch_layout.nb_channels;
    const int kept = output_->streams[output_->nb_streams - 1]
                         ->codecpar->ch_layout.nb_channels;
    warnings->push_back(absl::StrCat(
        what, " is encoded anew as ", track.encoder->codec(),
        kept < given ? absl::StrCat(" with ", kept, " of ", given, " channels")
                     : "",
        ", for ", output_->oformat->name,
        " cannot hold it or few players know it there"));
  }
  CopyDescription(*from, *output_->oformat,
                  output_->streams[output_->nb_streams - 1]);
  tracks_.push_back(std::move(track));
  return absl::OkStatus();
}

absl::StatusOr<bool> AudioCopier::Fill() {
  if (packet_->data != nullptr) return true;
  if (at_end_) return false;
  ASSIGN_OR_RETURN(const bool read, ReadPacket());
  at_end_ = !read;
  return read;
}

AudioCopier::Track& AudioCopier::CurrentTrack() {
  return *std::find_if(tracks_.begin(), tracks_.end(), [&](const Track& track) {
    return track.from->index == packet_->stream_index;
  });
}

std::optional<double> AudioCopier::Seconds() {
  const int64_t begin =
      packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts;
  if (begin == AV_NOPTS_VALUE) return std::nullopt;
  const Track& track = CurrentTrack();
  return static_cast<double>(begin - track.shift) *
         av_q2d(track.from->time_base);
}

absl::StatusOr<std::optional<double>> AudioCopier::Begin() {
  ASSIGN_OR_RETURN(const bool is_there, Fill());
  return is_there ? AudibleSeconds() : std::nullopt;
}

std::optional<double> AudioCopier::AudibleSeconds() {
  std::optional<double> begin = Seconds();
  const Track& track = CurrentTrack();
  // An AVI has no place for a delay: what is copied is played from its first
  // packet on.
  const bool plays_delay = is_avi() && track.encoder == nullptr;
  if (begin && !plays_delay) {
    *begin += static_cast<double>(Skipped()) * av_q2d(track.from->time_base);
  }
  return begin;
}

int64_t AudioCopier::Skipped() {
  size_t size = 0;
  const uint8_t* const skip =
      av_packet_get_side_data(packet_.get(), AV_PKT_DATA_SKIP_SAMPLES, &size);
  const AVStream& from = *CurrentTrack().from;
  if (skip == nullptr || size < 4 || from.codecpar->sample_rate <= 0) return 0;
  const auto samples = static_cast<int64_t>(LittleEndian(
      {reinterpret_cast<const char*>(skip), size}, /*at=*/0, /*count=*/4));
  return av_rescale_q(samples, {1, from.codecpar->sample_rate}, from.time_base);
}

void AudioCopier::Shift(int64_t units, AVRational unit) {
  for (Track& track : tracks_) {
    track.shift = av_rescale_q(units, unit, track.from->time_base);
  }
}

absl::Status AudioCopier::CopyUntil(double seconds) {
  while (true) {
    ASSIGN_OR_RETURN(const bool is_there, Fill());
    if (!is_there) return absl::OkStatus();
    Track& track = CurrentTrack();
    MendTimes(&track);
    const std::optional<double> begin = Seconds();
    if (begin && *begin >= seconds) return absl::OkStatus();
    if (!begin || *begin >= first_second_) {
      if (!track.begin) track.begin = AudibleSeconds();
      RETURN_IF_ERROR(WritePacket(&track));
    }
    av_packet_unref(packet_.get());
  }
}

// Behind one another, two recordings have two clocks: the second goes on where
// the first ended, as video_reader.h has it.
void AudioCopier::MendTimes(Track* track) {
  const int64_t begin =
      packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts;
  if (begin == AV_NOPTS_VALUE) return;
  constexpr double kBack = 0.5, kAhead = 10;  // seconds of another clock
  const double unit = av_q2d(track->from->time_base);
  const int64_t shifted = begin - track->shift;
  const bool jumps_ahead =
      input_->iformat->flags & AVFMT_TS_DISCONT &&
      static_cast<double>(shifted - track->next) * unit > kAhead;
  if (track->has_begun &&
      (static_cast<double>(track->last - shifted) * unit > kBack ||
       jumps_ahead)) {
    track->shift = begin - track->next;
  }
  track->has_begun = true;
  track->last = begin - track->shift;
  track->next = track->last + std::max<int64_t>(1, packet_->duration);
}

absl::StatusOr<bool> AudioCopier::ReadPacket() {
  while (true) {
    const int error = av_read_frame(input_.get(), packet_.get());
    if (error == AVERROR_EOF) return false;
    if (error < 0) {
      return FfmpegStatus(error, path_ + ": its audio is damaged or truncated",
                          absl::StatusCode::kDataLoss);
    }
    const bool is_sound =
        std::any_of(tracks_.begin(), tracks_.end(), [&](const Track& track) {
          return track.from->index == packet_->stream_index;
        });
    MakeTimesSane(packet_.get());
    if (is_sound && packet_->size > 0) return true;
    av_packet_unref(packet_.get());
  }
}

absl::Status AudioCopier::WritePacket(Track* track) {
  if (packet_->pts != AV_NOPTS_VALUE) packet_->pts -= track->shift;
  if (packet_->dts != AV_NOPTS_VALUE) packet_->dts -= track->shift;
  return track->encoder != nullptr ? track->encoder->Write(*packet_)
                                   : Copy(track);
}

absl::Status AudioCopier::Copy(Track* track) {
  av_packet_rescale_ts(packet_.get(), track->from->time_base,
                       track->to->time_base);
  packet_->stream_index = track->to->index;
  packet_->pos = -1;
  // Muxers refuse times that do not rise; small steps back are a bad muxer's.
  if (packet_->dts != AV_NOPTS_VALUE) {
    if (track->last_written != std::numeric_limits<int64_t>::min()) {
      packet_->dts = std::max(packet_->dts, track->last_written + 1);
    }
    track->last_written = packet_->dts;
    if (packet_->pts != AV_NOPTS_VALUE) {
      packet_->pts = std::max(packet_->pts, packet_->dts);
    }
  }
  const int error = av_interleaved_write_frame(output_, packet_.get());
  if (error >= 0) return absl::OkStatus();
  return FfmpegStatus(error, absl::StrCat("copying the audio of ", path_),
                      error == AVERROR_INVALIDDATA
                          ? absl::StatusCode::kDataLoss
                          : absl::StatusCode::kInternal);
}

absl::Status AudioCopier::Finish(std::vector<std::string>* warnings) {
  for (size_t i = 0; i < tracks_.size(); ++i) {
    Track& track = tracks_[i];
    if (is_avi() && track.begin) {
      const auto warning = AviWarning(
          absl::StrCat("track ", i + 1, " of its sound"), *track.begin);
      if (warning) warnings->push_back(*warning);
    }
    if (track.encoder == nullptr) continue;
    RETURN_IF_ERROR(track.encoder->Finish());
    if (track.encoder->num_lost() == 0) continue;
    warnings->push_back(
        absl::StrCat(track.encoder->num_lost(), " pieces of the sound of ",
                     path_, " cannot be decoded; the output is silent there"));
  }
  return absl::OkStatus();
}

}  // namespace pipelines::media
