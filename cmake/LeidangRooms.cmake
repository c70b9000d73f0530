# How rooms, their tests, programs, fuzzers and protos are declared.
#
#   app_module(common/time HEADERS clock.h SOURCES clock.cc DEPS app::common_base dep::absl)
#     gives the target `common_time` and its alias `app::common_time`. DEPS are the direct dependencies, no more.
#     Every header is compiled alone by the target `all_verify_interface_header_sets`.
#   app_test(common_time_test LABEL unit SOURCES clock_test.cc DEPS app::common_time)
#     one test program a room, built into bin/ and run by ctest. LABEL is one or more of
#     unit, sim, threads, integration, chaos, e2e, bench. TIMEOUT in seconds, 60 unless told.
#     PROGRAMS are those that it starts; it finds them in LEIDANG_BIN_DIR, and kustomize in LEIDANG_KUSTOMIZE.
#   app_check(sim_test PROGRAM sim_test ARGS --floor=100 LABEL sim TIMEOUT 600)
#     runs a program of app_program as a test; it may be run by several, with other ARGS.
#   app_bench(expand_bench SOURCES expand_bench.cc DEPS … [SMOKE_ARGS --apps=100])
#     a program that prints RESULT lines; with SMOKE_ARGS ctest runs it once, small, under the label bench.
#   app_program(leidang-hub SOURCES main.cc DEPS …)
#   app_fuzz(yaml_fuzz SOURCES yaml_fuzz.cc CORPUS yaml_corpus DEPS …)
#     a libFuzzer program under the preset `fuzz`; elsewhere a unit test that replays the corpus.
#   app_proto(leidang/v1 FILES link.proto GRPC link.proto)
#
# The target `checks` builds all tests and the programs that they start; `generated` all generated sources.

add_custom_target(checks)
add_custom_target(generated)

# Precompiles for `target` what the list of `kind` in cmake/precompiled/ names: `modules` or `tests`.
function(leidang_precompile target kind)
  if(NOT LEIDANG_PCH)
    return()
  endif()
  if(NOT TARGET precompiled_${kind})
    add_library(precompiled_${kind} OBJECT "${CMAKE_SOURCE_DIR}/cmake/precompiled/${kind}.cc")
    target_precompile_headers(precompiled_${kind} PRIVATE "${CMAKE_SOURCE_DIR}/cmake/precompiled/${kind}.h")
    target_link_libraries(precompiled_${kind} PRIVATE leidang_flags dep::absl dep::json)
    if(kind STREQUAL "tests")
      target_link_libraries(precompiled_${kind} PRIVATE dep::gtest)
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM precompiled_${kind})
  # The compiler refuses precompiled headers where the macros that they saw differ.
  target_compile_definitions(${target} PRIVATE $<TARGET_PROPERTY:dep::json,INTERFACE_COMPILE_DEFINITIONS>)
endfunction()

function(app_module path)
  cmake_parse_arguments(M "" "" "HEADERS;SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  string(REPLACE "/" "_" name "${path}")
  if(M_SOURCES)
    add_library(${name} STATIC ${M_SOURCES})
    target_link_libraries(${name} PUBLIC ${M_DEPS} PRIVATE leidang_flags ${M_PRIVATE_DEPS})
    target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
    leidang_precompile(${name} modules)
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${M_DEPS})
    target_include_directories(${name} INTERFACE "${CMAKE_SOURCE_DIR}")
    set(scope INTERFACE)
  endif()
  if(M_HEADERS)
    target_sources(${name} ${scope} FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}" FILES ${M_HEADERS})
    set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  endif()
  add_library(app::${name} ALIAS ${name})
endfunction()

function(app_program name)
  cmake_parse_arguments(P "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  target_link_libraries(${name} PRIVATE leidang_flags ${P_DEPS})
endfunction()

# Under the thread sanitizer only tests that link neither gRPC nor RocksDB.
function(leidang_runs_here result labels)
  set(${result} ${LEIDANG_TESTS} PARENT_SCOPE)
  if(LEIDANG_SANITIZER STREQUAL "thread")
    list(FILTER labels INCLUDE REGEX "^(threads|sim)$")
    if(NOT labels)
      set(${result} OFF PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(app_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "LABEL;SOURCES;DEPS;ARGS;PROGRAMS" ${ARGN})
  leidang_runs_here(runs "${T_LABEL}")
  if(NOT runs)
    return()
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE leidang_flags ${T_DEPS} dep::gtest GTest::gmock_main)
  # Not -fPIE, so that the precompiled headers fit.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  leidang_precompile(${name} tests)
  add_dependencies(checks ${name})
  if(T_PROGRAMS)
    add_dependencies(${name} ${T_PROGRAMS})
  endif()
  leidang_add_test(${name} COMMAND ${name} ${T_ARGS} LABEL ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()

function(app_check name)
  cmake_parse_arguments(T "" "TIMEOUT;PROGRAM" "LABEL;ARGS" ${ARGN})
  leidang_runs_here(runs "${T_LABEL}")
  if(NOT runs)
    return()
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_dependencies(checks ${T_PROGRAM})
  leidang_add_test(${name} COMMAND ${T_PROGRAM} ${T_ARGS} LABEL ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()

# Tests run at the root of the sources and find programs through their environment.
function(leidang_add_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "COMMAND;LABEL" ${ARGN})
  add_test(NAME ${name} COMMAND ${T_COMMAND} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  if(LEIDANG_SANITIZER)
    math(EXPR T_TIMEOUT "${T_TIMEOUT} * 4")
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${T_LABEL}" TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "LEIDANG_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};LEIDANG_KUSTOMIZE=${leidang_kustomize}")
endfunction()

function(app_bench name)
  cmake_parse_arguments(B "" "TIMEOUT" "SOURCES;DEPS;SMOKE_ARGS" ${ARGN})
  if(NOT LEIDANG_TESTS OR LEIDANG_SANITIZER STREQUAL "thread")
    return()
  endif()
  if(NOT B_TIMEOUT)
    set(B_TIMEOUT 60)
  endif()
  add_executable(${name} ${B_SOURCES})
  target_link_libraries(${name} PRIVATE leidang_flags ${B_DEPS})
  # Sanitized builds measure nothing.
  if(B_SMOKE_ARGS AND NOT LEIDANG_SANITIZER)
    add_dependencies(checks ${name})
    leidang_add_test(${name}_smoke COMMAND ${name} ${B_SMOKE_ARGS} LABEL bench TIMEOUT ${B_TIMEOUT})
  endif()
endfunction()

function(app_fuzz name)
  cmake_parse_arguments(F "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  if(NOT LEIDANG_TESTS OR LEIDANG_SANITIZER STREQUAL "thread")
    return()
  endif()
  if(LEIDANG_FUZZ)
    add_executable(${name} ${F_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${F_SOURCES} "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc")
    leidang_add_test(${name}_replay COMMAND ${name} "${CMAKE_CURRENT_SOURCE_DIR}/${F_CORPUS}"
                     LABEL unit TIMEOUT 60)
  endif()
  add_dependencies(checks ${name})
  target_link_libraries(${name} PRIVATE leidang_flags ${F_DEPS})
endfunction()

# Adds the rooms below the current folder, in order of dependency.
function(app_rooms)
  foreach(room IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${room}/CMakeLists.txt")
      add_subdirectory(${room})
    endif()
  endforeach()
endfunction()

# Messages and gRPC stubs of a package are two targets, so that simulation and the tsan lane never link gRPC:
# `app::proto_<package>` and, with GRPC, `app::proto_<package>_grpc`. GRPC lists the files that have services.
function(app_proto package)
  cmake_parse_arguments(P "" "" "FILES;GRPC;DEPS" ${ARGN})
  string(REPLACE "/" "_" name "proto/${package}")
  set(gen "${CMAKE_BINARY_DIR}/gen")
  set(messages "")
  set(stubs "")
  foreach(file IN LISTS P_FILES)
    string(REGEX REPLACE "\\.proto$" "" stem "${file}")
    set(out "${gen}/${package}/${stem}")
    add_custom_command(
      OUTPUT "${out}.pb.cc" "${out}.pb.h"
      COMMAND protobuf::protoc "--proto_path=${CMAKE_SOURCE_DIR}/proto" "--cpp_out=${gen}" "${package}/${file}"
      DEPENDS "${CMAKE_SOURCE_DIR}/proto/${package}/${file}" VERBATIM)
    list(APPEND messages "${out}.pb.cc" "${out}.pb.h")
    if(file IN_LIST P_GRPC)
      add_custom_command(
        OUTPUT "${out}.grpc.pb.cc" "${out}.grpc.pb.h"
        COMMAND protobuf::protoc "--proto_path=${CMAKE_SOURCE_DIR}/proto" "--grpc_out=${gen}"
                "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>" "${package}/${file}"
        DEPENDS "${CMAKE_SOURCE_DIR}/proto/${package}/${file}" VERBATIM)
      list(APPEND stubs "${out}.grpc.pb.cc" "${out}.grpc.pb.h")
    endif()
  endforeach()
  file(MAKE_DIRECTORY "${gen}")
  add_custom_target(${name}_generated DEPENDS ${messages} ${stubs})
  add_dependencies(generated ${name}_generated)
  add_library(${name} STATIC ${messages})
  target_include_directories(${name} SYSTEM PUBLIC "${gen}")
  target_link_libraries(${name} PUBLIC dep::protobuf ${P_DEPS})
  add_library(app::${name} ALIAS ${name})
  if(stubs)
    add_library(${name}_grpc STATIC ${stubs})
    target_link_libraries(${name}_grpc PUBLIC ${name} dep::grpc)
    add_library(app::${name}_grpc ALIAS ${name}_grpc)
  endif()
endfunction()
