#include "agent/scripts/lua_check.h"

#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <luajit.h>
#include <lualib.h>
}

namespace leidang::agent {
namespace {

using object::Value;

constexpr int kInstructionsAtOnce = 10'000;
constexpr size_t kMessageBytesMax = 4096;
constexpr absl::string_view kStatuses[] = {"Healthy",   "Progressing", "Degraded",
                                           "Suspended", "Missing",     "Unknown"};

// What a state may use, and what of it is used. It is the state's own allocator's argument, so that
// a hook finds it, too.
struct Budget {
  LuaLimits limits;
  size_t bytes = 0;
  uint64_t instructions = 0;
  bool spent = false;  // All instructions.
};

void* Allocate(void* argument, void* block, size_t before, size_t after) {
  Budget* const budget = static_cast<Budget*>(argument);
  if (block == nullptr) before = 0;
  if (after == 0) {
    budget->bytes -= before;
    std::free(block);
    return nullptr;
  }
  if (after > before && budget->bytes - before + after > budget->limits.memory_bytes_max) {
    return nullptr;
  }
  void* const got = std::realloc(block, after);
  if (got != nullptr) budget->bytes = budget->bytes - before + after;
  return got;
}

Budget* BudgetOf(lua_State* lua) {
  void* argument = nullptr;
  lua_getallocf(lua, &argument);
  return static_cast<Budget*>(argument);
}

void Count(lua_State* lua, lua_Debug*) {
  Budget* const budget = BudgetOf(lua);
  budget->instructions += kInstructionsAtOnce;
  if (budget->instructions <= budget->limits.instructions_max) return;
  budget->spent = true;
  // From now on at each instruction, so that a `pcall` in a loop does not go on.
  lua_sethook(lua, Count, LUA_MASKCOUNT, 1);
  luaL_error(lua, "too many instructions");
}

void Open(lua_State* lua, const char* name, lua_CFunction open) {
  lua_pushcfunction(lua, open);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

void Forget(lua_State* lua, const char* name) {
  lua_pushnil(lua);
  lua_setglobal(lua, name);
}

void OpenLibraries(lua_State* lua) {
  Open(lua, "", luaopen_base);
  Open(lua, LUA_TABLIBNAME, luaopen_table);
  Open(lua, LUA_STRLIBNAME, luaopen_string);
  Open(lua, LUA_MATHLIBNAME, luaopen_math);
  for (const char* name : {"collectgarbage", "dofile", "gcinfo", "getfenv", "load", "loadfile",
                           "loadstring", "module", "newproxy", "print", "require", "setfenv"}) {
    Forget(lua, name);
  }
  lua_getglobal(lua, LUA_STRLIBNAME);
  lua_pushnil(lua);
  lua_setfield(lua, -2, "dump");
  lua_pop(lua, 1);
}

// No frame between here and the protected call has anything to destroy.
void Push(lua_State* lua, const Value& value) {
  luaL_checkstack(lua, 4, "the object has too many levels");
  if (value.is_string()) {
    lua_pushlstring(lua, value.get_string().data(), value.get_string().size());
  } else if (value.is_bool()) {
    lua_pushboolean(lua, value.get_bool() ? 1 : 0);
  } else if (value.is_int64()) {
    lua_pushnumber(lua, static_cast<lua_Number>(value.get_int64()));
  } else if (value.is_uint64()) {
    lua_pushnumber(lua, static_cast<lua_Number>(value.get_uint64()));
  } else if (value.is_double()) {
    lua_pushnumber(lua, value.get_double());
  } else if (value.is_array()) {
    const object::Array& list = value.get_array();
    lua_createtable(lua, static_cast<int>(list.size()), 0);
    for (size_t i = 0; i < list.size(); ++i) {
      Push(lua, list[i]);
      lua_rawseti(lua, -2, static_cast<int>(i + 1));
    }
  } else if (value.is_object()) {
    lua_createtable(lua, 0, static_cast<int>(value.get_object().size()));
    for (const auto& member : value.get_object()) {
      lua_pushlstring(lua, member.key().data(), member.key().size());
      Push(lua, member.value());
      lua_rawset(lua, -3);
    }
  } else {
    lua_pushnil(lua);
  }
}

struct Job {
  const std::string* script = nullptr;
  const Value* object = nullptr;  // Null: only read the script.
  bool readable = false;
};

// Leaves the script's result on the stack.
int Protected(lua_State* lua) {
  Job* const job = static_cast<Job*>(lua_touserdata(lua, 1));
  OpenLibraries(lua);
  // "t": text only, as bytecode is trusted by the interpreter.
  if (luaL_loadbufferx(lua, job->script->data(), job->script->size(), "=check", "t") != 0) {
    return lua_error(lua);
  }
  job->readable = true;
  if (job->object == nullptr) return 0;
  Push(lua, *job->object);
  lua_setglobal(lua, "obj");
  lua_sethook(lua, Count, LUA_MASKCOUNT, kInstructionsAtOnce);
  lua_call(lua, 0, 1);
  lua_sethook(lua, nullptr, 0, 0);
  return 1;
}

std::string TextAt(lua_State* lua, int index) {
  size_t size = 0;
  const char* text = lua_tolstring(lua, index, &size);
  return text == nullptr ? "" : std::string(text, std::min(size, kMessageBytesMax));
}

absl::Status ErrorOf(lua_State* lua, const Job& job, int code) {
  const Budget& budget = *BudgetOf(lua);
  if (code == LUA_ERRMEM) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "it needs more than ", budget.limits.memory_bytes_max >> 20, " MiB of memory"));
  }
  if (budget.spent) {
    return absl::DeadlineExceededError(
        absl::StrCat("it was not done after ", budget.limits.instructions_max, " instructions"));
  }
  const std::string text = lua_isstring(lua, -1) != 0 ? TextAt(lua, -1) : "an error without a text";
  if (!job.readable) return absl::InvalidArgumentError(absl::StrCat("it cannot be read: ", text));
  return absl::FailedPreconditionError(absl::StrCat("it failed: ", text));
}

absl::StatusOr<Value> ResultAt(lua_State* lua) {
  if (lua_isnil(lua, -1)) return Value(nullptr);
  if (!lua_istable(lua, -1)) {
    return absl::FailedPreconditionError(absl::StrCat("it returned a ", luaL_typename(lua, -1),
                                                      " instead of a table with a status"));
  }
  lua_pushstring(lua, "status");
  lua_rawget(lua, -2);
  const std::string status = lua_type(lua, -1) == LUA_TSTRING ? TextAt(lua, -1) : "";
  lua_pop(lua, 1);
  lua_pushnil(lua);
  if (lua_next(lua, -2) == 0) return Value(nullptr);
  lua_pop(lua, 2);
  for (const absl::string_view known : kStatuses) {
    if (known != absl::string_view(status)) continue;
    lua_pushstring(lua, "message");
    lua_rawget(lua, -2);
    return Value(object::Object{{"status", status}, {"message", TextAt(lua, -1)}});
  }
  return absl::FailedPreconditionError(
      absl::StrCat("it returned the status \"", status, "\", which is none"));
}

absl::StatusOr<Value> Run(const std::string& script, const Value* object, const LuaLimits& limits) {
  Budget budget{.limits = limits};
  const std::unique_ptr<lua_State, decltype(&lua_close)> lua(lua_newstate(Allocate, &budget),
                                                             lua_close);
  if (lua == nullptr) return absl::ResourceExhaustedError("Lua cannot be started");
  luaJIT_setmode(lua.get(), 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  Job job{.script = &script, .object = object};
  lua_pushcfunction(lua.get(), Protected);
  lua_pushlightuserdata(lua.get(), &job);
  const int code = lua_pcall(lua.get(), 1, object == nullptr ? 0 : 1, 0);
  lua_sethook(lua.get(), nullptr, 0, 0);
  if (code != 0) return ErrorOf(lua.get(), job, code);
  return object == nullptr ? Value(nullptr) : ResultAt(lua.get());
}

}  // namespace

absl::StatusOr<Value> RunLuaCheck(const std::string& script, const Value& object,
                                  const LuaLimits& limits) {
  return Run(script, &object, limits);
}

absl::Status CheckLuaSyntax(const std::string& script) {
  return Run(script, nullptr, LuaLimits()).status();
}

}  // namespace leidang::agent
