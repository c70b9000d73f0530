#pragma once

// ApplicationTemplate: a set's template compiled to the bytes of an Application with holes for its
// texts.
//
// What is the same in every Application of a set is laid out once, in canonical order; rendering
// copies it and fills the holes. So an Application costs little more than its own bytes.
//
// Thread rule: immutable once compiled, may be shared by threads.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "generators/application/schema.h"
#include "generators/expand.h"
#include "generators/params/text_template.h"

namespace leidang::generators {

// An Application as it is rendered, with what its readers ask for most. Reused from one to the
// next.
struct RenderedApplication {
  std::string json;  // Canonical.
  std::string name;
  std::string project;
  std::string server;
  std::string cluster;  // The destination's name.
  std::string destination_namespace;

  void Clear();
};

enum class DefaultFinalizer : bool { kNo, kYes };

struct ApplicationFrame {
  std::string ns;    // Of the set, and so of each Application.
  std::string path;  // Of the template in the set, for messages.
  // Whether an Application without finalizers gets the one that deletes what it has made.
  DefaultFinalizer finalizer = DefaultFinalizer::kYes;
};

class ApplicationTemplate {
 public:
  // `typed` has passed ThroughType with TemplateType().
  ApplicationTemplate(const object::Value& typed, const ApplicationFrame& frame,
                      TemplateCache* cache);

  // On failure `failed_field` is the field whose text failed.
  absl::Status Render(const TValue& params, RenderContext* context, RenderedApplication* out,
                      std::string* failed_field) const;
  // What an empty parameter set gives: the template as it is, without the default finalizer.
  const RenderedApplication& unrendered() const { return unrendered_; }

  // A text of the template may change the parameters that the texts behind it see.
  bool may_mutate() const { return may_mutate_; }
  // A text of the template is random or tells the time.
  bool draws() const { return draws_; }

  // Every text with a template in it.
  std::vector<RenderedField> Explain(const TValue& params, RenderContext* context) const;

 private:
  friend class SkeletonWriter;

  enum class Fact : uint8_t { kNone, kName, kProject, kServer, kCluster, kNamespace };

  struct Op;
  using Ops = std::vector<Op>;
  // A member whose key is a template.
  struct Member {
    std::shared_ptr<const TextTemplate> key;
    std::string field;
    size_t slot = 0;
    Ops value;
  };
  struct Op {
    // kUnseen: a text that is rendered although nothing of it is written.
    enum class Kind : uint8_t { kBytes, kText, kClose, kMembers, kUnseen } kind = Kind::kBytes;
    bool omit_empty = false;
    Fact fact = Fact::kNone;
    std::string bytes;  // As they are; of kText the key, of kClose one character.
    std::shared_ptr<const TextTemplate> text;
    std::string field;
    size_t slot = 0;
    std::vector<Member> members;
  };
  // A text and when it is its turn: texts are rendered in the order of the Go types' fields, and
  // written in that of their names.
  struct Turn {
    std::vector<size_t> order;
    size_t slot = 0;
    std::shared_ptr<const TextTemplate> text;
    std::string field;
    bool in_raw_json = false;
  };

  absl::Status RenderInTurn(const TValue& params, RenderContext* context,
                            std::vector<std::string>* texts, std::string* failed_field) const;

  // What a rendering needs from one text to the next.
  struct Rendering {
    const TValue& params;
    RenderContext* context;
    RenderedApplication* out;
    const std::vector<std::string>* texts;  // Rendered before, by slot; or nullptr.
    std::string scratch;
  };
  absl::Status Run(const Ops& ops, Rendering* rendering, std::string* json) const;
  absl::Status RunText(const TextTemplate& text, size_t slot, Rendering* rendering) const;
  absl::Status RunMembers(const Op& op, Rendering* rendering, std::string* json) const;
  static std::string* Slot(Fact fact, RenderedApplication* out);

  Ops ops_;
  RenderedApplication constant_;  // Facts that no text decides.
  RenderedApplication unrendered_;
  std::vector<std::pair<std::string, std::shared_ptr<const TextTemplate>>> texts_;
  std::vector<Turn> turns_;
  bool may_mutate_ = false;
  bool draws_ = false;
};

// Name, project and destination of an Application that is given as a tree.
void ReadFacts(const object::Value& application, RenderedApplication* out);

}  // namespace leidang::generators
