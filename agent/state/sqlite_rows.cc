// Rows of the agent's database, there and back. Bodies are the link's messages, whose unknown
// fields survive.

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "agent/state/sqlite_database.h"
#include "agent/state/sqlite_impl.h"
#include "agent/state/sqlite_statement.h"
#include "common/base/status_macros.h"
#include "common/wire/wire.h"
#include "leidang/v1/link.pb.h"

namespace leidang::agent {
namespace {

absl::Status Damaged(absl::string_view row) {
  return absl::DataLossError(absl::StrCat(
      "the agent's state has a row that cannot be read: ", row,
      ": move the file away; the agent then starts from the hub and adopts what it finds"));
}

absl::StatusOr<EntryRef> TakeRef(Statement& row) {
  const std::string text = row.TakeBytes();
  const std::string raw = row.TakeBytes();
  const absl::StatusOr<intent::EntryKey> key = intent::EntryKey::FromString(text);
  const auto uid = intent::Uid::FromRaw(raw);
  if (!key.ok() || !uid) return Damaged(text);
  return EntryRef{*key, *uid};
}

absl::StatusOr<object::Sha256> TakeSha(Statement& row, const EntryRef& ref) {
  const auto sha = object::Sha256::FromRaw(row.TakeBytes());
  if (!sha) return Damaged(ref.ToString());
  return *sha;
}

Statement& BindRef(Statement& statement, const EntryRef& ref) {
  return statement.Text(ref.key.ToString()).Blob(ref.uid.Raw());
}

std::string EncodeAllegiance(const Allegiance& allegiance) {
  v1::Hello hello;
  wire::ToProto(allegiance.authority, hello.mutable_authority());
  hello.set_session_epoch(allegiance.session_epoch);
  hello.set_revision(allegiance.revision);
  return hello.SerializeAsString();
}

}  // namespace

absl::Status SqliteDatabase::Load(MemoryTables* tables, std::set<object::Sha256>* content) {
  RETURN_IF_ERROR(LoadMeta(tables));
  RETURN_IF_ERROR(LoadEntries(tables));
  RETURN_IF_ERROR(LoadInventory(tables));
  RETURN_IF_ERROR(LoadStatuses(tables));
  RETURN_IF_ERROR(LoadOperations(tables));
  return LoadContent(content);
}

absl::Status SqliteDatabase::LoadMeta(MemoryTables* tables) {
  Statement rows(impl_->db, "SELECT name, value FROM meta");
  while (rows.Next()) {
    const std::string name = rows.TakeBytes();
    const std::string value = rows.TakeBytes();
    if (name == "allegiance") {
      v1::Hello hello;
      if (!hello.ParseFromString(value)) return Damaged(name);
      absl::StatusOr<intent::Authority> authority = wire::FromProto(hello.authority());
      if (!authority.ok()) return Damaged(name);
      tables->allegiance = {*authority, hello.session_epoch(), hello.revision()};
    } else if (name == "next_status_number") {
      v1::StatusAck number;
      if (!number.ParseFromString(value)) return Damaged(name);
      tables->next_status_number = number.sequence();
    }
  }
  return rows.status();
}

absl::Status SqliteDatabase::LoadEntries(MemoryTables* tables) {
  Statement rows(
      impl_->db,
      "SELECT key, uid, phase, epoch, revision, element, applied, policy, note, assignment FROM "
      "entries");
  while (rows.Next()) {
    Entry entry;
    ASSIGN_OR_RETURN(entry.head.ref, TakeRef(rows));
    entry.head.phase = static_cast<EntryPhase>(rows.TakeNumber());
    entry.head.epoch = rows.TakeNumber();
    entry.head.revision = rows.TakeNumber();
    ASSIGN_OR_RETURN(entry.head.element, TakeSha(rows, entry.head.ref));
    ASSIGN_OR_RETURN(entry.head.applied, TakeSha(rows, entry.head.ref));
    entry.policy = static_cast<intent::DeletionPolicy>(rows.TakeNumber());
    entry.note = rows.TakeBytes();
    if (!rows.IsNull()) {
      v1::Assignment message;
      if (!message.ParseFromString(rows.TakeBytes())) return Damaged(entry.head.ref.ToString());
      absl::StatusOr<intent::Assignment> assignment = wire::FromProto(message);
      if (!assignment.ok()) return Damaged(entry.head.ref.ToString());
      entry.assignment = *std::move(assignment);
    }
    tables->LoadEntry(std::move(entry));
  }
  return rows.status();
}

absl::Status SqliteDatabase::LoadInventory(MemoryTables* tables) {
  Statement rows(impl_->db,
                 "SELECT key, uid, grp, kind, ns, name, object_uid, hash FROM inventory");
  while (rows.Next()) {
    ASSIGN_OR_RETURN(const EntryRef ref, TakeRef(rows));
    InventoryItem item;
    item.object.group = rows.TakeBytes();
    item.object.kind = rows.TakeBytes();
    item.object.ns = rows.TakeBytes();
    item.object.name = rows.TakeBytes();
    item.object_uid = rows.TakeBytes();
    item.hash = rows.TakeBytes();
    tables->inventory[ref][item.object] = item;
  }
  return rows.status();
}

absl::Status SqliteDatabase::LoadStatuses(MemoryTables* tables) {
  Statement rows(impl_->db, "SELECT key, uid, number, waiting, status FROM statuses");
  while (rows.Next()) {
    ASSIGN_OR_RETURN(const EntryRef ref, TakeRef(rows));
    NumberedStatus status;
    status.number = rows.TakeNumber();
    const bool waiting = rows.TakeNumber() != 0;
    v1::EntryStatus message;
    if (!message.ParseFromString(rows.TakeBytes())) return Damaged(ref.ToString());
    absl::StatusOr<intent::EntryStatus> read = wire::FromProto(message);
    if (!read.ok()) return Damaged(ref.ToString());
    status.status = *std::move(read);
    tables->LoadStatus(std::move(status), waiting);
  }
  return rows.status();
}

absl::Status SqliteDatabase::LoadOperations(MemoryTables* tables) {
  Statement rows(impl_->db,
                 "SELECT id, key, uid, kind, parameters, expires, state, message FROM operations");
  while (rows.Next()) {
    OperationRecord record;
    const auto id = OperationId::FromRaw(rows.TakeBytes());
    if (!id) return Damaged("an operation");
    record.id = *id;
    ASSIGN_OR_RETURN(record.entry, TakeRef(rows));
    record.kind = static_cast<OperationKind>(rows.TakeNumber());
    record.parameters = rows.TakeBytes();
    record.expires = absl::FromUnixNanos(static_cast<int64_t>(rows.TakeNumber()));
    record.state = static_cast<OperationState>(rows.TakeNumber());
    record.message = rows.TakeBytes();
    tables->operations[record.id] = record;
  }
  return rows.status();
}

absl::Status SqliteDatabase::LoadContent(std::set<object::Sha256>* content) {
  Statement rows(impl_->db, "SELECT digest FROM content");
  while (rows.Next()) {
    const auto digest = object::Sha256::FromRaw(rows.TakeBytes());
    if (!digest) return Damaged("a content's digest");
    content->insert(*digest);
  }
  return rows.status();
}

absl::Status SqliteDatabase::WriteEntries(const RowWrites& writes) {
  if (writes.entries.empty()) return absl::OkStatus();
  Statement put(impl_->db, "INSERT OR REPLACE INTO entries VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  Statement erase(impl_->db, "DELETE FROM entries WHERE key = ? AND uid = ?");
  for (const auto& [ref, entry] : writes.entries) {
    if (!entry) {
      RETURN_IF_ERROR(BindRef(erase, ref).Run());
      continue;
    }
    BindRef(put, ref)
        .Number(static_cast<uint64_t>(entry->head.phase))
        .Number(entry->head.epoch)
        .Number(entry->head.revision)
        .Blob(entry->head.element.Raw())
        .Blob(entry->head.applied.Raw())
        .Number(static_cast<uint64_t>(entry->policy))
        .Blob(entry->note);
    if (entry->assignment) {
      v1::Assignment message;
      wire::ToProto(*entry->assignment, &message);
      put.Blob(message.SerializeAsString());
    } else {
      put.Null();
    }
    RETURN_IF_ERROR(put.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::WriteItems(const RowWrites& writes) {
  if (writes.items.empty()) return absl::OkStatus();
  Statement put(impl_->db, "INSERT OR REPLACE INTO inventory VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  Statement erase(impl_->db,
                  "DELETE FROM inventory WHERE key = ? AND uid = ? AND grp = ? AND kind = ? AND ns "
                  "= ? AND name = ?");
  for (const RowWrites::Item& row : writes.items) {
    Statement& statement = row.item ? put : erase;
    BindRef(statement, row.entry)
        .Text(row.object.group)
        .Text(row.object.kind)
        .Text(row.object.ns)
        .Text(row.object.name);
    if (row.item) statement.Blob(row.item->object_uid).Blob(row.item->hash);
    RETURN_IF_ERROR(statement.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::WriteStatuses(const RowWrites& writes) {
  if (writes.statuses.empty()) return absl::OkStatus();
  Statement put(impl_->db, "INSERT OR REPLACE INTO statuses VALUES(?, ?, ?, ?, ?)");
  Statement erase(impl_->db, "DELETE FROM statuses WHERE key = ? AND uid = ?");
  for (const RowWrites::Status& row : writes.statuses) {
    if (!row.status) {
      RETURN_IF_ERROR(BindRef(erase, row.entry).Run());
      continue;
    }
    v1::EntryStatus message;
    wire::ToProto(row.status->first.status, &message);
    RETURN_IF_ERROR(BindRef(put, row.entry)
                        .Number(row.status->first.number)
                        .Number(row.status->second ? 1 : 0)
                        .Blob(message.SerializeAsString())
                        .Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::WriteOperations(const RowWrites& writes) {
  if (writes.operations.empty()) return absl::OkStatus();
  Statement put(impl_->db, "INSERT OR REPLACE INTO operations VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  Statement erase(impl_->db, "DELETE FROM operations WHERE id = ?");
  for (const auto& [id, record] : writes.operations) {
    if (!record) {
      RETURN_IF_ERROR(erase.Blob(id.Raw()).Run());
      continue;
    }
    BindRef(put.Blob(id.Raw()), record->entry)
        .Number(static_cast<uint64_t>(record->kind))
        .Blob(record->parameters)
        .Number(static_cast<uint64_t>(absl::ToUnixNanos(record->expires)))
        .Number(static_cast<uint64_t>(record->state))
        .Blob(record->message);
    RETURN_IF_ERROR(put.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::WriteContent(const RowWrites& writes) {
  if (!writes.new_content.empty()) {
    Statement put(impl_->db, "INSERT OR REPLACE INTO content VALUES(?, ?)");
    for (const auto& [digest, bytes] : writes.new_content)
      RETURN_IF_ERROR(put.Blob(digest.Raw()).Blob(bytes).Run());
  }
  if (!writes.dropped_content.empty()) {
    Statement erase(impl_->db, "DELETE FROM content WHERE digest = ?");
    for (const object::Sha256& digest : writes.dropped_content)
      RETURN_IF_ERROR(erase.Blob(digest.Raw()).Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::WriteMeta(const RowWrites& writes) {
  Statement put(impl_->db, "INSERT OR REPLACE INTO meta VALUES(?, ?)");
  if (writes.allegiance)
    RETURN_IF_ERROR(put.Text("allegiance").Blob(EncodeAllegiance(*writes.allegiance)).Run());
  if (writes.next_status_number != 0) {
    v1::StatusAck number;
    number.set_sequence(writes.next_status_number);
    RETURN_IF_ERROR(put.Text("next_status_number").Blob(number.SerializeAsString()).Run());
  }
  return absl::OkStatus();
}

}  // namespace leidang::agent
