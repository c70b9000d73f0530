#include "tests/support/agent/test_agent.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/cluster/kubernetes_client.h"
#include "common/base/check.h"
#include "common/conditions/condition_list.h"
#include "common/tree/tree_manifest.h"

namespace leidang::agent {
namespace {

const intent::Authority kHub{intent::HubId({7}), 1, 1};

intent::Uid UidOf(uint8_t number) { return intent::Uid({number}); }

}  // namespace

uint64_t TestContent::Want(const object::Sha256& digest, Done done) {
  const uint64_t id = next_++;
  wants_[id] = {digest, std::move(done)};
  loop_.After(absl::Milliseconds(20), [this] { Serve(); });
  return id;
}

void TestContent::Serve() {
  if (!reachable) return;
  for (auto& [id, want] : std::exchange(wants_, {})) {
    const auto blob = blobs_.find(want.first);
    if (forgetful || blob == blobs_.end()) {
      want.second(absl::NotFoundError("no such content"));
      continue;
    }
    state_->PutContent(want.first, blob->second, std::move(want.second));
  }
}

std::string ConfigMapText(absl::string_view name, absl::string_view colour,
                          absl::string_view annotations) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                      "\n  annotations: {", annotations, "}\ndata:\n  colour: ", colour, "\n");
}

TestAgent::TestAgent() { Start(); }
TestAgent::~TestAgent() { Stop(); }

void TestAgent::Start() {
  state_ = std::make_unique<MemoryState>(loop, disk);
  content.SetState(state_.get());
  if (state_->allegiance().session_epoch == 0) {
    state_->Commit({Obey{kHub, 1}}, [](absl::Status status) { CHECK(status.ok()); });
    loop.RunFor(absl::Seconds(1));
  }
  if (target == Target::kApiServer) {
    connection_ = std::make_unique<MemoryApiConnection>(api);
    client_ = std::make_unique<KubernetesClient>(loop, *connection_);
  } else {
    client_ = std::make_unique<MemoryClient>(cluster, loop, client_options);
  }
  if (wrap) client_ = wrap(std::move(client_));
  reconciler_ = std::make_unique<Reconciler>(
      loop, random_,
      Reconciler::Ports{*state_, *client_, content, workers_, renderer_, log, health, &scripts_},
      options);
  reconciler_->SetPolicy(policy_);
  reconciler_->Start();
}

void TestAgent::SetPolicy(ClusterPolicy policy) {
  policy_ = std::move(policy);
  reconciler_->SetPolicy(policy_);
}

void TestAgent::Stop() {
  reconciler_.reset();
  client_.reset();
  connection_.reset();
  state_.reset();
}

void TestAgent::Restart() {
  Stop();
  loop.Clear();
  Start();
}

EntryRef TestAgent::Ref(const std::string& name, uint8_t uid) {
  return {{intent::EntryKind::kApplication, name}, UidOf(uid)};
}

intent::Change TestAgent::PutChange(const TestApp& app) {
  tree::TreeManifest manifest;
  for (const auto& [path, text] : app.files) {
    content.Add(text);
    manifest.files.push_back(
        {path, tree::FileMode::kRegular, text.size(), object::Sha256::Of(text)});
  }
  absl::StatusOr<std::string> tree = tree::Encode(manifest);
  CHECK(tree.ok());
  content.Add(*tree);
  intent::Source source;
  source.commit = object::Sha256::Of(*tree).Hex().substr(0, 40);
  source.path = "app";
  source.tree = object::Sha256::Of(*tree);
  intent::Assignment assignment;
  assignment.key = Ref(app.name).key;
  assignment.uid = UidOf(app.uid);
  assignment.sources = {source};
  absl::StatusOr<object::Value> body = object::ParseJson(absl::StrCat(
      R"({"metadata":{"annotations":)", app.annotations,
      R"(},"spec":{"project":"default","destination":{"namespace":")", app.ns,
      R"("},"source":{"path":"app","directory":)", app.directory, R"(},"ignoreDifferences":)",
      app.ignored, R"(,"syncPolicy":)", app.sync_policy, "}}"));
  CHECK(body.ok());
  assignment.body = object::CanonicalJson(*body);
  return {++revision_, assignment};
}

intent::Change TestAgent::DeleteChange(const std::string& name, uint8_t uid,
                                       intent::DeletionPolicy policy) {
  return {++revision_, intent::Tombstone{Ref(name).key, UidOf(uid), policy}};
}

void TestAgent::Receive(std::vector<intent::Change> changes, std::vector<EntryRef> unclaimed) {
  struct Receive receive;
  receive.authority = kHub;
  receive.session_epoch = 1;
  receive.from = state_->allegiance().revision;
  receive.to = revision_;
  receive.changes = std::move(changes);
  receive.unclaimed = std::move(unclaimed);
  std::optional<absl::Status> done;
  state_->Commit({receive}, [&done](absl::Status status) { done = status; });
  loop.RunFor(absl::Milliseconds(1));
  CHECK(done.has_value());
  CHECK(done->ok());
}

void TestAgent::Put(const std::vector<TestApp>& apps) {
  std::vector<intent::Change> changes;
  for (const TestApp& app : apps) changes.push_back(PutChange(app));
  Receive(std::move(changes));
}

void TestAgent::Delete(const std::string& name, uint8_t uid, intent::DeletionPolicy policy) {
  Receive({DeleteChange(name, uid, policy)});
}

void TestAgent::Ask(const std::string& name, OperationKind kind, std::string parameters, uint8_t id,
                    absl::Time expires) {
  OperationRecord operation;
  operation.id = OperationId({id});
  operation.entry = Ref(name);
  operation.kind = kind;
  operation.parameters = std::move(parameters);
  operation.expires = expires;
  state_->Commit({PutOperation{operation}}, [](absl::Status status) { CHECK(status.ok()); });
}

OperationRecord TestAgent::Operation(uint8_t id) {
  absl::StatusOr<std::vector<OperationRecord>> operations = state_->Operations();
  CHECK(operations.ok());
  for (const OperationRecord& operation : *operations) {
    if (operation.id == OperationId({id})) return operation;
  }
  CheckFailed(__FILE__, __LINE__, "no such operation");
}

intent::EntryStatus TestAgent::Status(const std::string& name, uint8_t uid) {
  absl::StatusOr<intent::EntryStatus> status = state_->FindStatus(Ref(name, uid));
  CHECK(status.ok());
  return *status;
}

std::string TestAgent::Condition(const std::string& name, const std::string& type, uint8_t uid) {
  const intent::EntryStatus status = Status(name, uid);
  const intent::StatusCondition* condition = conditions::FindCondition(status.conditions, type);
  return condition == nullptr ? "" : absl::StrCat(condition->reason, ": ", condition->message);
}

std::set<std::string> TestAgent::Inventory(const std::string& name, uint8_t uid) {
  std::set<std::string> names;
  absl::StatusOr<std::vector<InventoryItem>> items = state_->Inventory(Ref(name, uid));
  CHECK(items.ok());
  for (const InventoryItem& item : *items) {
    names.insert(absl::StrCat(item.object.kind, "/", item.object.name));
  }
  return names;
}

std::set<std::string> TestAgent::Objects() const {
  std::set<std::string> names;
  for (const auto& [key, stored] : cluster.objects()) {
    names.insert(absl::StrCat(key.kind, "/", key.name));
  }
  return names;
}

std::string TestAgent::Data(const std::string& name, const std::string& field) const {
  const auto found = cluster.objects().find({"", "ConfigMap", "shop", name});
  if (found == cluster.objects().end()) return "";
  return std::string(object::FindString(found->second.manifest, {"data", field}));
}

void TestAgent::Edit(const std::string& name, const std::string& field, const std::string& value) {
  const auto found = cluster.objects().find({"", "ConfigMap", "shop", name});
  CHECK(found != cluster.objects().end());
  object::Value edited = found->second.manifest;
  edited.at("data").as_object()[field] = value;
  cluster.PutOutside(edited);
}

bool TestAgent::Applied(const std::string& name, uint8_t uid) {
  absl::StatusOr<Entry> entry = state_->Find(Ref(name, uid));
  CHECK(entry.ok());
  return !entry->head.applied.IsNone() && entry->head.applied == entry->head.element;
}

}  // namespace leidang::agent
