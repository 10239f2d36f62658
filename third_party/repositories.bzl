"""The outside world: Bazel's own rules and the system's libraries."""

load("//third_party:small_repository.bzl", "small_repository")
load("//third_party:system_library.bzl", "system_library")
load("//third_party/cuda:repository.bzl", "system_cuda")
load("//third_party/libtorch:repository.bzl", "libtorch")

def bazel_rules():
    """Declares the rule sets that Bazel wants, from Debian's Bazel packages."""
    native.local_repository(
        name = "rules_java",
        path = "/usr/share/bazel/rules/java",
    )
    native.local_repository(
        name = "rules_proto",
        path = "/usr/share/bazel/rules/proto",
    )
    native.local_repository(
        name = "bazel_skylib",
        path = "/usr/share/bazel/tools/skylib",
    )
    native.local_repository(
        name = "platforms",
        path = "/usr/share/bazel/platforms",
    )

    # Debian's bazel-rules-cc is too new for Debian's Bazel; the native rules do.
    small_repository(
        name = "rules_cc",
        files = {"@cpab_animation//third_party/rules:cc_defs.bzl": "cc/defs.bzl"},
        packages = {"": "", "cc": ""},
    )
    small_repository(
        name = "remote_coverage_tools",
        packages = {"": 'filegroup(name = "coverage_report_generator", visibility = ["//visibility:public"])'},
    )

def system_libraries():
    """Declares one repository a system library; none is touched before it is used."""
    system_library(
        name = "system_absl",
        debian_package = "libabsl-dev",
        header = "/usr/include/absl/status/statusor.h",
        modules = {
            "base": "absl_base absl_core_headers",
            "cleanup": "absl_cleanup",
            "flags": "absl_flags",
            "flags_parse": "absl_flags_parse absl_flags_usage absl_flags_reflection",
            "inlined_vector": "absl_inlined_vector",
            "span": "absl_span",
            "status": "absl_status",
            "statusor": "absl_statusor",
            "strings": "absl_strings absl_str_format",
            "synchronization": "absl_synchronization",
            "time": "absl_time",
        },
    )
    system_library(
        name = "system_eigen",
        debian_package = "libeigen3-dev",
        header = "/usr/include/eigen3/Eigen/Dense",
        modules = {"eigen": "eigen3"},
    )
    system_library(
        name = "system_opencv",
        debian_package = "libopencv-dev",
        header = "/usr/include/opencv4/opencv2/core.hpp",
        includes = ["/usr/include/opencv4"],
        libraries = {
            module: ["-lopencv_" + module]
            for module in ["core", "imgproc", "imgcodecs", "objdetect", "quality"]
        },
    )
    system_library(
        name = "system_opencv_data",
        debian_package = "opencv-data",
        header = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml",
        files = {"haarcascade_frontalface_alt2.xml": "/usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml"},
    )
    system_library(
        name = "system_protobuf",
        debian_package = "libprotobuf-dev",
        header = "/usr/include/google/protobuf/message.h",
        libraries = {"protobuf": ["-lprotobuf"]},
        protos = {"google/protobuf/descriptor.proto": "/usr/include/google/protobuf/descriptor.proto"},
    )
    system_library(
        name = "system_protoc",
        debian_package = "protobuf-compiler",
        header = "/usr/bin/protoc",
        programs = {"protoc": "/usr/bin/protoc"},
    )
    system_library(
        name = "system_googletest",
        debian_package = "libgmock-dev",
        header = "/usr/include/gmock/gmock.h",
        modules = {
            "gtest": "gmock",
            "gtest_main": "gmock_main",
        },
    )
    system_library(
        name = "system_benchmark",
        debian_package = "libbenchmark-dev",
        header = "/usr/include/benchmark/benchmark.h",
        libraries = {
            "benchmark": ["-lbenchmark", "-lpthread"],
            "benchmark_main": ["-lbenchmark_main", "-lbenchmark", "-lpthread"],
        },
    )
    system_library(
        name = "system_pybind11",
        debian_package = "pybind11-dev",
        header = "/usr/include/pybind11/pybind11.h",
        libraries = {"pybind11": []},
    )
    system_library(
        name = "system_python",
        debian_package = "python3-dev",
        modules = {"python": "python3"},
    )
    system_library(
        name = "system_ffmpeg",
        debian_package = "libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libswscale-dev libswresample-dev",
        modules = {"ffmpeg": "libavdevice libavfilter libavformat libavcodec libswscale libswresample libavutil"},
    )
    system_library(
        name = "system_curl",
        debian_package = "libcurl4-openssl-dev",
        modules = {"curl": "libcurl"},
    )
    system_library(
        name = "system_lcms2",
        debian_package = "liblcms2-dev",
        modules = {"lcms2": "lcms2"},
    )
    system_library(
        name = "system_zlib",
        debian_package = "zlib1g-dev",
        header = "/usr/include/zlib.h",
        modules = {"zlib": "zlib"},
    )
    system_library(
        name = "system_nlohmann_json",
        debian_package = "nlohmann-json3-dev",
        header = "/usr/include/nlohmann/json.hpp",
        modules = {"nlohmann_json": "nlohmann_json"},
    )
    system_library(
        name = "system_minizip",
        debian_package = "libminizip-dev",
        header = "/usr/include/minizip/unzip.h",
        modules = {"minizip": "minizip"},
    )
    system_library(
        name = "system_isal",
        debian_package = "libisal-dev",
        header = "/usr/include/isa-l/crc.h",
        modules = {"isal": "libisal"},
    )
    system_library(
        name = "system_openssl",
        debian_package = "libssl-dev",
        header = "/usr/include/openssl/evp.h",
        modules = {"crypto": "libcrypto"},
    )
    system_library(
        name = "system_libmicrohttpd",
        debian_package = "libmicrohttpd-dev",
        header = "/usr/include/microhttpd.h",
        modules = {"libmicrohttpd": "libmicrohttpd"},
    )
    system_library(
        name = "system_libseccomp",
        debian_package = "libseccomp-dev",
        header = "/usr/include/seccomp.h",
        modules = {"libseccomp": "libseccomp"},
    )
    system_library(
        name = "system_libarchive",
        debian_package = "libarchive-dev",
        header = "/usr/include/archive.h",
        libraries = {"libarchive": ["-larchive"]},
    )
    system_cuda(name = "system_cuda")
    libtorch(name = "libtorch")
