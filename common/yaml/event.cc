#include "common/yaml/event.h"

#include <algorithm>
#include <yaml.h>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/check.h"

namespace leidang::yaml {
namespace {

Mark FromYaml(const yaml_mark_t& mark) { return {mark.line + 1, mark.column + 1}; }

std::string FromYaml(const yaml_char_t* text) {
  return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
}

// A tab where only spaces may indent is what people meet most; libyaml's words do not name it.
bool StartsWithTab(absl::string_view text, const Mark& mark) {
  size_t line = 1;
  size_t at = 0;
  while (line < mark.line) {
    at = text.find('\n', at);
    if (at == absl::string_view::npos) return false;
    ++at;
    ++line;
  }
  const absl::string_view rest = text.substr(at, text.find('\n', at) - at);
  const size_t first = rest.find_first_not_of(' ');
  return first != absl::string_view::npos && rest[first] == '\t';
}

}  // namespace

absl::Status ErrorAt(absl::string_view file_name, const Mark& mark, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(file_name, ":", mark.line, ":", mark.column, ": ", what));
}

struct EventReader::Impl {
  yaml_parser_t parser;
  bool ended = false;
  bool has_slash_escape = false;
  // The lists and maps around the next event: ']' or '}' in brackets, 0 for those by indentation.
  std::vector<char> open;
  // The byte offset of a character whose number is known. libyaml counts characters.
  size_t character = 0;
  size_t byte = 0;
};

EventReader::EventReader(absl::string_view text, absl::string_view file_name)
    : text_(text), file_name_(file_name), impl_(std::make_unique<Impl>()) {
  CHECK(yaml_parser_initialize(&impl_->parser) == 1);
  impl_->has_slash_escape = text.find("\\/") != absl::string_view::npos;
  yaml_parser_set_input_string(&impl_->parser, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
}

size_t EventReader::ByteOffset(size_t character) {
  const auto inside = [this](size_t i) {
    return i < text_.size() && (static_cast<unsigned char>(text_[i]) & 0xc0) == 0x80;
  };
  if (impl_->byte == 0 && absl::StartsWith(text_, "\xef\xbb\xbf")) impl_->byte = 3;
  for (; impl_->character < character; ++impl_->character) {
    do {
      ++impl_->byte;
    } while (inside(impl_->byte));
  }
  return impl_->byte;
}

absl::Status EventReader::CheckPlainInBrackets(const Event& event, const Mark& end) {
  const char closing = impl_->open.empty() ? '\0' : impl_->open.back();
  if (closing == '\0' || event.value.find('?', 1) == std::string::npos) return absl::OkStatus();
  return ErrorAt(file_name_, end,
                 absl::StrCat("did not find expected ',' or '", std::string(1, closing),
                              "' while parsing a flow ", closing == ']' ? "sequence" : "mapping",
                              "; quote text with a question mark"));
}

absl::Status EventReader::CheckEscapes(size_t first, size_t last, const Mark& mark) {
  if (!impl_->has_slash_escape) return absl::OkStatus();
  const size_t begin = ByteOffset(first);
  const absl::string_view scalar = text_.substr(begin, ByteOffset(last) - begin);
  for (size_t i = 0; i + 1 < scalar.size(); ++i) {
    if (scalar[i] != '\\') continue;
    if (scalar[++i] == '/') {
      const auto lines =
          std::count(scalar.begin(), scalar.begin() + static_cast<ptrdiff_t>(i), '\n');
      return ErrorAt(file_name_, {mark.line + static_cast<size_t>(lines), mark.column},
                     "found unknown escape character while parsing a quoted scalar; write / "
                     "without a backslash");
    }
  }
  return absl::OkStatus();
}

EventReader::~EventReader() { yaml_parser_delete(&impl_->parser); }

absl::StatusOr<Event> EventReader::Next() {
  CHECK(!impl_->ended);
  yaml_event_t raw;
  do {
    if (yaml_parser_parse(&impl_->parser, &raw) == 0) {
      impl_->ended = true;
      return Error();
    }
  } while (raw.type == YAML_STREAM_START_EVENT);  // Carries nothing to free.

  Event event;
  event.mark = FromYaml(raw.start_mark);
  absl::Status status;
  switch (raw.type) {
    case YAML_DOCUMENT_START_EVENT: {
      event.kind = Event::Kind::kDocumentStart;
      const yaml_version_directive_t* version = raw.data.document_start.version_directive;
      if (version != nullptr && (version->major != 1 || version->minor != 1)) {
        status = ErrorAt(file_name_, event.mark,
                         absl::StrCat("%YAML ", version->major, ".", version->minor,
                                      " is not read, only 1.1 is: remove the directive"));
      }
      break;
    }
    case YAML_DOCUMENT_END_EVENT:
      event.kind = Event::Kind::kDocumentEnd;
      break;
    case YAML_ALIAS_EVENT:
      event.kind = Event::Kind::kAlias;
      event.anchor = FromYaml(raw.data.alias.anchor);
      break;
    case YAML_SCALAR_EVENT:
      event.kind = Event::Kind::kScalar;
      event.anchor = FromYaml(raw.data.scalar.anchor);
      event.tag = FromYaml(raw.data.scalar.tag);
      event.value.assign(reinterpret_cast<const char*>(raw.data.scalar.value),
                         raw.data.scalar.length);
      if (raw.data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE) {
        status = CheckEscapes(raw.start_mark.index, raw.end_mark.index, event.mark);
      }
      if (raw.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        status = CheckPlainInBrackets(event, FromYaml(raw.end_mark));
      }
      event.plain =
          raw.data.scalar.plain_implicit != 0 && raw.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
      break;
    case YAML_SEQUENCE_START_EVENT:
      event.kind = Event::Kind::kSequenceStart;
      impl_->open.push_back(raw.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE ? ']' : '\0');
      event.anchor = FromYaml(raw.data.sequence_start.anchor);
      break;
    case YAML_SEQUENCE_END_EVENT:
      event.kind = Event::Kind::kSequenceEnd;
      impl_->open.pop_back();
      break;
    case YAML_MAPPING_START_EVENT:
      event.kind = Event::Kind::kMappingStart;
      impl_->open.push_back(raw.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE ? '}' : '\0');
      event.anchor = FromYaml(raw.data.mapping_start.anchor);
      break;
    case YAML_MAPPING_END_EVENT:
      event.kind = Event::Kind::kMappingEnd;
      impl_->open.pop_back();
      break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
      impl_->ended = true;
      break;
  }
  yaml_event_delete(&raw);
  if (!status.ok()) {
    impl_->ended = true;
    return status;
  }
  return event;
}

absl::Status EventReader::ErrorOfLibyamlOnly(absl::string_view problem, absl::string_view what) {
  const yaml_parser_t& parser = impl_->parser;
  size_t first = 0, last = 0;
  if (problem == "found unexpected ':'") {
    first = ByteOffset(parser.context_mark.index);
    last = ByteOffset(parser.problem_mark.index) + 1;
  } else if (problem == "found unknown escape character") {
    first = ByteOffset(parser.problem_mark.index);
    last = first + 1;
    if (!absl::StartsWith(text_.substr(first), "\\'")) return absl::OkStatus();
  } else {
    return absl::OkStatus();
  }
  absl::Status status = ErrorAt(file_name_, FromYaml(parser.problem_mark), what);
  status.SetPayload(kTextInGo, absl::Cord(absl::string_view(absl::StrCat(first, " ", last))));
  return status;
}

absl::Status EventReader::Error() {
  const yaml_parser_t& parser = impl_->parser;
  const absl::string_view problem =
      parser.problem == nullptr ? "the text cannot be read" : parser.problem;
  if (parser.error == YAML_READER_ERROR) {
    std::string what(problem);
    if (parser.problem_value >= 0) absl::StrAppendFormat(&what, " (0x%02X)", parser.problem_value);
    return ErrorAt(file_name_, MarkOfOffset(parser.problem_offset), what);
  }
  if (parser.error != YAML_SCANNER_ERROR && parser.error != YAML_PARSER_ERROR) {
    return absl::ResourceExhaustedError(absl::StrCat(file_name_, ": out of memory"));
  }
  const Mark mark = FromYaml(parser.problem_mark);
  std::string what(problem);
  if (parser.context != nullptr) {
    absl::StrAppend(&what, " ", parser.context);
    if (parser.context_mark.line != parser.problem_mark.line) {
      absl::StrAppend(&what, " that begins in line ", parser.context_mark.line + 1);
    }
  }
  if (absl::Status status = ErrorOfLibyamlOnly(problem, what); !status.ok()) return status;
  if (StartsWithTab(text_, mark)) what += "; the line is indented with a tab: use spaces";
  return ErrorAt(file_name_, mark, what);
}

Mark EventReader::MarkOfOffset(size_t offset) const {
  const absl::string_view before = text_.substr(0, std::min(offset, text_.size()));
  const size_t lines = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t last = before.rfind('\n');
  const absl::string_view line = last == absl::string_view::npos ? before : before.substr(last + 1);
  const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  const auto characters = std::count_if(line.begin(), line.end(), is_first_byte);
  return {lines + 1, static_cast<size_t>(characters) + 1};
}

}  // namespace leidang::yaml
