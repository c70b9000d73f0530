# How rooms, their tests, programs, fuzzers and protos are declared.
#
#   app_module(common/time HEADERS clock.h SOURCES clock.cc DEPS app::common_base dep::absl)
#     gives the target `common_time` and its alias `app::common_time`. DEPS are the direct dependencies, no more.
#     Every header is compiled alone by the target `all_verify_interface_header_sets`.
#   app_test(common_time_test LABEL unit SOURCES clock_test.cc DEPS app::common_time)
#     one test program a room, built into bin/ and run by ctest. LABEL is one or more of
#     unit, sim, threads, integration, e2e, bench. TIMEOUT in seconds, 60 unless told.
#   app_program(leidang-hub SOURCES main.cc DEPS …)
#   app_fuzz(yaml_fuzz SOURCES yaml_fuzz.cc CORPUS yaml_corpus DEPS …)
#     a libFuzzer program under the preset `fuzz`; elsewhere a unit test that replays the corpus.

function(app_module path)
  cmake_parse_arguments(M "" "" "HEADERS;SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  string(REPLACE "/" "_" name "${path}")
  if(M_SOURCES)
    add_library(${name} STATIC ${M_SOURCES})
    target_link_libraries(${name} PUBLIC ${M_DEPS} PRIVATE leidang_flags ${M_PRIVATE_DEPS})
    target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/gen")
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${M_DEPS})
    target_include_directories(${name} INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/gen")
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

function(app_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "LABEL;SOURCES;DEPS;ARGS" ${ARGN})
  if(LEIDANG_SANITIZER STREQUAL "thread")
    set(wanted ${T_LABEL})
    list(FILTER wanted INCLUDE REGEX "^(threads|sim)$")
    if(NOT wanted)
      return()
    endif()
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE leidang_flags ${T_DEPS} dep::gtest GTest::gmock_main)
  add_test(NAME ${name} COMMAND ${name} ${T_ARGS} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES LABELS "${T_LABEL}" TIMEOUT ${T_TIMEOUT})
endfunction()

function(app_fuzz name)
  cmake_parse_arguments(F "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  if(LEIDANG_SANITIZER STREQUAL "thread")
    return()
  endif()
  if(LEIDANG_FUZZ)
    add_executable(${name} ${F_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${F_SOURCES} "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc")
    add_test(NAME ${name}_replay COMMAND ${name} "${CMAKE_CURRENT_SOURCE_DIR}/${F_CORPUS}")
    set_tests_properties(${name}_replay PROPERTIES LABELS unit TIMEOUT 60)
  endif()
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
