#include "networks/weights/unpickle.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using SequencePtr = std::shared_ptr<const Sequence>;
using DictPtr = std::shared_ptr<const Dict>;
using TensorPtr = std::shared_ptr<const TensorView>;

// A string literal with its zero bytes.
template <size_t N>
std::string Raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

std::string Text(const std::string& text) {
  return std::string("\x8c") + static_cast<char>(text.size()) + text;
}

std::string Int(uint8_t value) {
  return std::string("K") + static_cast<char>(value);
}

absl::StatusOr<Value> Execute(const std::string& program) {
  size_t position = 0;
  return Unpickle(program + ".", &position);
}

std::string ScalarOf(const std::string& program) {
  return ScalarText(Execute(program).value());
}

auto IsError(const std::string& reason) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(reason));
}

// What torch.save writes for a storage and for a tensor on it.
std::string Storage(const std::string& type, const std::string& key,
                    uint8_t size) {
  return absl::StrCat("(", Text("storage"), "ctorch\n", type, "\n", Text(key),
                      Text("cpu"), Int(size), "tQ");
}
std::string Tensor(const std::string& storage, const std::string& offset,
                   const std::string& shape, const std::string& strides,
                   const std::string& metadata = "") {
  return absl::StrCat("ctorch._utils\n_rebuild_tensor_v2\n(", storage, offset,
                      shape, strides, "\x89", "ccollections\nOrderedDict\n)R",
                      metadata, "tR");
}

TEST(Unpickle, ReadsScalars) {
  EXPECT_EQ(ScalarOf("N"), "None");
  EXPECT_EQ(ScalarOf("\x88"), "True");
  EXPECT_EQ(ScalarOf("\x89"), "False");
  EXPECT_EQ(ScalarOf("K\xff"), "255");
  EXPECT_EQ(ScalarOf("M\x01\x02"), "513");
  EXPECT_EQ(ScalarOf("J\xfe\xff\xff\xff"), "-2");
  EXPECT_EQ(ScalarOf(Raw("G\x3f\xf0\0\0\0\0\0\0")), "1");
  EXPECT_EQ(ScalarOf("G\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "0.1");
  EXPECT_EQ(ScalarOf("\x80\x02" + Text("h\xc3\xa9")), "h\xc3\xa9");
  EXPECT_EQ(ScalarOf(Raw("X\x02\0\0\0ab")), "ab");
  EXPECT_EQ(ScalarOf(Raw("\x8d\x02\0\0\0\0\0\0\0ab")), "ab");
  EXPECT_EQ(ScalarOf("C\x02"
                     "a\xff"),
            "b'a\\xff'");
}

TEST(Unpickle, ReadsIntegersOfAnyLength) {
  EXPECT_EQ(ScalarOf(Raw("\x8a\0")), "0");
  EXPECT_EQ(ScalarOf("\x8a\x01\xff"), "-1");
  EXPECT_EQ(ScalarOf(Raw("\x8a\x08\0\0\0\0\0\0\0\x80")),
            "-9223372036854775808");
  EXPECT_EQ(ScalarOf(Raw("\x8a\x09\0\0\0\0\0\0\0\x80\0")),
            "9223372036854775808");
  EXPECT_EQ(ScalarOf(Raw("\x8a\x09\0\0\0\0\0\0\0\0\x40")),
            "1180591620717411303424");  // 2^70
  EXPECT_EQ(ScalarOf("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\x7f\xff"),
            "-9223372036854775809");
  EXPECT_TRUE(std::holds_alternative<int64_t>(
      Execute("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff")->data));
}

TEST(Unpickle, ReadsContainers) {
  const Value list = Execute("](K\x01N(K\x02K\x03te").value();
  const Sequence& items = *std::get<SequencePtr>(list.data);
  EXPECT_EQ(items.kind, Sequence::kList);
  ASSERT_EQ(items.items.size(), 3);
  EXPECT_EQ(std::get<SequencePtr>(items.items[2].data)->kind, Sequence::kTuple);

  const Value dict =
      Execute("}(" + Text("a") + "K\x01" + Text("b") + "]K\x02" + "au").value();
  EXPECT_EQ(ScalarText(*Find(dict, "a")), "1");
  EXPECT_EQ(std::get<SequencePtr>(Find(dict, "b")->data)->items.size(), 1);
  EXPECT_EQ(Find(dict, "c"), nullptr);

  const Value set = Execute("\x8f(K\x01K\x02\x90").value();
  EXPECT_EQ(std::get<SequencePtr>(set.data)->kind, Sequence::kSet);
  const Value old_set = Execute(
                            "c__builtin__\nset\n](K\x01"
                            "e\x85R")
                            .value();
  EXPECT_EQ(std::get<SequencePtr>(old_set.data)->kind, Sequence::kSet);
}

TEST(Unpickle, ReadsOrderedDictsWithTheirAttributes) {
  const std::string empty = "ccollections\nOrderedDict\n)R";
  const std::string items = "(" + Text("a") + "K\x01u";
  const std::string state = "}" + Text("_metadata") + empty + "s";
  EXPECT_EQ(ScalarText(*Find(*Execute(empty + items + state + "b"), "a")), "1");
  EXPECT_EQ(
      ScalarText(*Find(*Execute("ccollections\nOrderedDict\n](" + Text("a") +
                                "K\x07\x86"
                                "e\x85R"),
                       "a")),
      "7");
}

// pickle.dumps({'args': argparse.Namespace(a=1)}, 2) and 4.
TEST(Unpickle, ReadsNamespacesWithoutTheirAttributes) {
  for (const std::string& program :
       {Raw("\x80\x02}q\0X\x04\0\0\0argsq\x01") +
            "cargparse\nNamespace\nq\x02)\x81q\x03}q\x04" +
            Raw("X\x01\0\0\0aq\x05K\x01sbs"),
        "\x80\x04" + Raw("\x95\x31\0\0\0\0\0\0\0}\x94") + Text("args") +
            "\x94" + Text("argparse") + "\x94" + Text("Namespace") +
            "\x94\x93\x94)\x81\x94}\x94" + Text("a") + "\x94K\x01sbs"}) {
    const Value value = Execute(program).value();
    EXPECT_TRUE(std::get<DictPtr>(Find(value, "args")->data)->items.empty());
  }
}

TEST(Unpickle, SharesWhatTheMemoShares) {
  // One list, twice in a tuple, filled after it was stored.
  const Value value = Execute(
                          "]q\x05K\x01"
                          "ah\x05\x86")
                          .value();
  const Sequence& pair = *std::get<SequencePtr>(value.data);
  EXPECT_EQ(std::get<SequencePtr>(pair.items[0].data),
            std::get<SequencePtr>(pair.items[1].data));
  EXPECT_EQ(std::get<SequencePtr>(pair.items[0].data)->items.size(), 1);
}

TEST(Unpickle, ReadsBytesOfProtocol2) {
  EXPECT_EQ(ScalarOf("c_codecs\nencode\n" + Text("A\xc3\xbf") + Text("latin1") +
                     "\x86R"),
            "b'A\\xff'");
  EXPECT_EQ(ScalarOf("c__builtin__\nbytes\n)R"), "b''");
  EXPECT_THAT(Execute("c_codecs\nencode\n" + Text("\xe2\x82\xac") +
                      Text("latin1") + "\x86R"),
              IsError("not Latin-1"));
}

TEST(Unpickle, DescribesTensors) {
  const Value value =
      Execute(Tensor(Storage("HalfStorage", "7", 12), Int(2),
                     Int(2) + Int(3) + "\x86", Int(1) + Int(4) + "\x86"))
          .value();
  const TensorView& view = *std::get<TensorPtr>(value.data);
  EXPECT_EQ(view.storage, "7");
  EXPECT_EQ(view.type, ElementType::kHalf);
  EXPECT_EQ(view.storage_size, 12);
  EXPECT_EQ(view.offset, 2);
  EXPECT_THAT(view.shape, ElementsAre(2, 3));
  EXPECT_THAT(view.strides, ElementsAre(1, 4));
}

TEST(Unpickle, RefusesViewsThatNegateTheirStorage) {
  const auto tensor = [](const std::string& flag, const std::string& value) {
    return Execute(Tensor(Storage("FloatStorage", "0", 4), Int(0),
                          Int(4) + "\x85", Int(1) + "\x85",
                          "}" + Text(flag) + value + "s"));
  };
  EXPECT_THAT(tensor("neg", "\x88"), IsError("resolve_neg()"));
  EXPECT_THAT(tensor("conj", "\x88"), IsError("is a conj view"));
  EXPECT_THAT(tensor("neg", "\x89"), IsOk());
  EXPECT_THAT(tensor("other", "\x88"), IsOk());
}

TEST(Unpickle, DescribesParametersSizesDevicesAndDtypes) {
  const std::string tensor =
      Tensor(Storage("FloatStorage", "0", 1), Int(0), ")", ")");
  const Value parameter =
      Execute("ctorch._utils\n_rebuild_parameter\n" + tensor +
              "\x88"
              "ccollections\nOrderedDict\n)R\x87R")
          .value();
  EXPECT_EQ(std::get<TensorPtr>(parameter.data)->storage, "0");
  const Value size = Execute("ctorch\nSize\nK\x02K\x03\x86\x85R").value();
  EXPECT_EQ(std::get<SequencePtr>(size.data)->items.size(), 2);
  EXPECT_EQ(ScalarOf("ctorch\ndevice\n" + Text("cuda") + "K\x01\x86R"),
            "cuda:1");
  EXPECT_EQ(ScalarOf("ctorch\nfloat16\n"), "torch.float16");
  EXPECT_EQ(ScalarOf(Text("torch") + Text("bfloat16") + "\x93"),
            "torch.bfloat16");
}

TEST(Unpickle, EndsBehindThePickle) {
  const std::string two = "K\x01.K\x02.";
  size_t position = 0;
  EXPECT_EQ(ScalarText(*Unpickle(two, &position)), "1");
  EXPECT_EQ(position, 3);
  EXPECT_EQ(ScalarText(*Unpickle(two, &position)), "2");
  EXPECT_EQ(position, 6);
  EXPECT_THAT(Unpickle(two, &position), IsError("pickle byte 6: needs 1 more"));
}

// Names that run code, each as a real exploit would use it.
class ForbiddenNameTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ForbiddenNameTest, IsAnErrorWithItsPlace) {
  const std::string full_name = GetParam();
  const size_t dot = full_name.rfind('.');
  const std::string module = full_name.substr(0, dot);
  const std::string name = full_name.substr(dot + 1);
  const auto message = HasSubstr("refers to " + full_name);
  EXPECT_THAT(
      Execute("\x80\x02"
              "c" +
              module + "\n" + name + "\n" + Text("echo pwned") + "\x85R"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(message, HasSubstr("pickle byte 2:"))));
  EXPECT_THAT(Execute(Text(module) + Text(name) + "\x93)R"),
              StatusIs(absl::StatusCode::kInvalidArgument, message));
  // Not even naming it is allowed.
  EXPECT_THAT(Execute("N0c" + module + "\n" + name + "\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, message));
}

INSTANTIATE_TEST_SUITE_P(
    Names, ForbiddenNameTest,
    ::testing::Values("os.system", "posix.system", "nt.system", "builtins.eval",
                      "__builtin__.eval", "builtins.exec", "builtins.getattr",
                      "subprocess.Popen", "torch.load", "torch.hub.load",
                      "torch._utils._rebuild_qtensor",
                      "torch.jit._pickle.restore_type_tag",
                      "numpy.core.multiarray.scalar", "collections.defaultdict",
                      "torch.nn.modules.linear.Linear",
                      "torch._utils._rebuild_tensor_v2.__globals__", "pip.main",
                      "webbrowser.open", "runpy._run_code",
                      "torch.QUInt8Storage"));

struct BadProgram {
  std::string program;
  std::string reason;
};

class BadProgramTest : public ::testing::TestWithParam<BadProgram> {};

TEST_P(BadProgramTest, IsAnError) {
  EXPECT_THAT(Execute(GetParam().program), IsError(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Machine, BadProgramTest,
    ::testing::Values(
        BadProgram{"", "ends with 0 objects"},
        BadProgram{"NN", "ends with 2 objects"},
        BadProgram{"N(", "ends with 1 objects"}, BadProgram{"0", "empty stack"},
        BadProgram{"t", "no mark"}, BadProgram{"N(0(\x85", "empty stack"},
        BadProgram{"N(a", "empty stack"},
        BadProgram{"NNa", "needs a list, finds None"},
        BadProgram{"]NNs", "needs a dict, finds a list"},
        BadProgram{"}(Nu", "last key has no value"},
        BadProgram{"h\x01", "nothing is stored under 1"},
        BadProgram{"q\x01", "empty stack"},
        BadProgram{"\x80\x01N", "protocol 1"},
        BadProgram{"\x80\x06N", "protocol 6"},
        BadProgram{"cos\nsystem", "a line does not end"},
        BadProgram{"NN\x93", "a name is not a string"},
        BadProgram{"N)R", "calls None with a tuple"},
        BadProgram{"ccollections\nOrderedDict\nNR",
                   "calls a function with None"},
        BadProgram{"ccollections\nOrderedDict\nK\x01\x85R", "wrong arguments"},
        BadProgram{"NQ", "other than a storage"},
        BadProgram{"]Nb", "state is no dict"},
        BadProgram{"]}b", "needs a dict, finds a list"},
        BadProgram{"N)\x81", "calls None with a tuple"},
        // INST, OBJ, NEWOBJ_EX, EXT1, INT, next to those of the list.
        BadProgram{"(ios\nsystem\n", "opcode 0x69"},
        BadProgram{"(o", "opcode 0x6f"}, BadProgram{"N)}\x92", "opcode 0x92"},
        BadProgram{"\x82\x01", "opcode 0x82"},
        BadProgram{"I1\n", "opcode 0x49"}));

INSTANTIATE_TEST_SUITE_P(
    Sizes, BadProgramTest,
    ::testing::Values(
        BadProgram{Raw("X\xff\xff\xff\xff"), "needs 4294967295 more bytes"},
        BadProgram{Raw("\x8e\0\xe4\x0b\x54\x02\0\0\0"),  // 10 GB
                   "needs 10000000000 more bytes"},
        BadProgram{Raw("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
                   "needs 18446744073709551615 more bytes"},
        BadProgram{Raw("\x8b\x01\x04\0\0") + std::string(1025, '\x01'),
                   "an integer of 1025 bytes"},
        BadProgram{"K", "needs 1 more"}));

INSTANTIATE_TEST_SUITE_P(
    Tensors, BadProgramTest,
    ::testing::Values(
        BadProgram{Storage("FloatStorage", "0", 1), "no tensor's"},
        BadProgram{"(" + Text("storage") + "ctorch\nFloatStorage\n" +
                       Text("0") + Text("cpu") + "J\xff\xff\xff\xfftQ",
                   "a storage of -1 elements"},
        BadProgram{"(" + Text("module") + "ctorch\nFloatStorage\n" + Text("0") +
                       Text("cpu") + "K\x01tQ",
                   "other than a storage"},
        BadProgram{Tensor("N", Int(0), ")", ")"), "wrong arguments"},
        BadProgram{Tensor(Storage("FloatStorage", "0", 1), "N", ")", ")"),
                   "wrong arguments"},
        BadProgram{Tensor(Storage("FloatStorage", "0", 1), Int(0), "N", ")"),
                   "needs a tuple of integers, finds None"},
        BadProgram{
            Tensor(Storage("FloatStorage", "0", 1), Int(0), "N\x85", ")"),
            "a size is not a 64-bit integer"},
        BadProgram{Tensor(Storage("FloatStorage", "0", 1), Int(0),
                          Raw("\x8a\x09\0\0\0\0\0\0\0\0\x01\x85"), ")"),
                   "a size is not a 64-bit integer"},
        BadProgram{Tensor(Storage("FloatStorage", "0", 1), Int(0),
                          "(" + std::string(65, '\x89') + "t", ")"),
                   "more than 64 dimensions"}));

INSTANTIATE_TEST_SUITE_P(
    Trees, BadProgramTest,
    ::testing::Values(
        BadProgram{"]q\x01h\x01"
                   "a",
                   "a list contains itself"},
        BadProgram{"}q\x01" + Text("a") + "h\x01s", "a dict contains itself"},
        BadProgram{std::string(129, ']') + std::string(128, 'a'),
                   "nested more than 128 deep"},
        BadProgram{")" + std::string(1'000'000, '\x85'), "more than 128 deep"},
        BadProgram{"}(" + Text("a") + "N" + Text("a") + "Nu",
                   "a dict has the key \"a\" twice"},
        BadProgram{"}]Ns", "a list is a key of a dict"}));

TEST(Unpickle, ReadsNestingUpToTheLimitAlsoThroughTheMemo) {
  EXPECT_THAT(Execute(std::string(128, ']') + std::string(127, 'a')), IsOk());
  // A list 100 deep, at depth 1 and then, by reference, at depth 50.
  const std::string deep =
      std::string(100, ']') + std::string(99, 'a') + "q\x01";
  EXPECT_THAT(Execute(deep + "h\x01" + std::string(20, '\x85') + "\x86"),
              IsOk());
  EXPECT_THAT(Execute(deep + "h\x01" + std::string(50, '\x85') + "\x86"),
              IsError("more than 128 deep"));
}

// A text that is encoded over and over: 7 bytes of program for each copy.
std::string Copies(const std::string& text, int count) {
  std::string program = absl::StrCat("(", text, "q\x01", Text("latin1"),
                                     "q\x02", "c_codecs\nencode\nq\x03");
  for (int i = 0; i < count; ++i) program += "h\x03h\x01h\x02\x86R";
  return program + "t";
}

TEST(Unpickle, RefusesProgramsThatMultiplyTheirMemory) {
  EXPECT_THAT(Execute(Copies(Text("some text"), 10'000)), IsOk());
  // 64 KiB each: 6.5 GB in all, from 0.8 MB.
  const std::string large = Raw("X\0\0\x01\0") + std::string(65536, 'x');
  EXPECT_THAT(Execute(Copies(large, 100'000)), IsError("bytes of memory"));
}

// A container of one scalar, stored in the memo, that is mentioned over and
// over.
std::string Mentions(const std::string& scalar, int count) {
  std::string program = "(" + scalar + "q\x01";
  for (int i = 0; i < count; ++i) program += "h\x01";
  return program + "t";
}

TEST(Unpickle, RefusesLongScalarsThatAreMentionedOften) {
  const std::string text = std::string(60'000, 'x');
  const std::string length = Raw("\x60\xea\0\0");
  // 2.4 GB in all, from 140 KB.
  EXPECT_THAT(Execute(Mentions("X" + length + text, 40'000)),
              IsError("bytes of memory"));
  EXPECT_THAT(Execute(Mentions("B" + length + text, 40'000)),
              IsError("bytes of memory"));
  EXPECT_THAT(
      Execute(Mentions("ctorch\ndevice\nX" + length + text + "\x85R", 40'000)),
      IsError("bytes of memory"));
  // Memoised texts of ordinary length are what every writer makes.
  EXPECT_THAT(Execute(Mentions(Text(std::string(200, 'x')), 40'000)), IsOk());
  EXPECT_THAT(Execute(Mentions("X" + length + text, 100)), IsOk());
}

TEST(Unpickle, RefusesLongScalarsInManyDicts) {
  // As values, and as keys.
  const std::string text = Raw("X\x60\xea\0\0") + std::string(60'000, 'x');
  std::string values = "(" + text + "q\x01", keys = values;
  for (int i = 0; i < 10'000; ++i) {
    values += "}K\x01h\x01s";
    keys += "}h\x01Ns";
  }
  EXPECT_THAT(Execute(values + "t"), IsError("bytes of memory"));
  EXPECT_THAT(Execute(keys + "t"), IsError("bytes of memory"));
}

TEST(Unpickle, CountsTheItemsOfCopiedContainers) {
  // A set of 20,000 numbers, made again and again from the same list: 6 bytes
  // of program for 800 KB.
  std::string program = "(](";
  for (int i = 0; i < 20'000; ++i) program += "K\x01";
  program +=
      "e\x85q\x01"
      "0c__builtin__\nset\nq\x02"
      "0";
  for (int i = 0; i < 30; ++i) program += "h\x02h\x01R";
  EXPECT_THAT(Execute(program + "t"), IsError("bytes of memory"));
}

TEST(Unpickle, SharesBillionsInsteadOfCopyingThem) {
  // Each tuple holds the one before it twice: 2^60 leaves, 61 objects.
  std::string laughs = "N";
  for (int i = 0; i < 60; ++i) laughs += "2\x86";
  EXPECT_THAT(Execute(laughs), IsOk());
}

}  // namespace
}  // namespace networks::weights
