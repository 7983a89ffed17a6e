# add_bpf_skeleton(NAME SOURCE): compiles a .bpf.c for the kernel and writes NAME.skel.h. Sets BPF_SKELETON_DIR to where it lies, and
# BPF_MISSING to what is not installed, in which case nothing is built.
find_program(BPF_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
find_program(BPF_TOOL NAMES bpftool PATHS /usr/sbin /sbin)
find_path(BPF_INCLUDE_DIR bpf/libbpf.h)
find_library(BPF_LIBRARY bpf)

set(BPF_MISSING "")
foreach(part "clang:BPF_CLANG" "bpftool:BPF_TOOL" "libbpf-dev:BPF_INCLUDE_DIR" "libbpf-dev:BPF_LIBRARY")
  string(REPLACE ":" ";" pair ${part})
  list(GET pair 0 package)
  list(GET pair 1 variable)
  if(NOT ${variable} AND NOT package IN_LIST BPF_MISSING)
    list(APPEND BPF_MISSING ${package})
  endif()
endforeach()

function(add_bpf_skeleton name source)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(architecture arm64)
  else()
    set(architecture x86)
  endif()
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/bpf)
  set(object ${directory}/${name}.bpf.o)
  set(skeleton ${directory}/${name}.skel.h)
  file(MAKE_DIRECTORY ${directory})
  file(GLOB headers ${CMAKE_CURRENT_SOURCE_DIR}/native/linux/bpf/*.h)
  # The C library's folder for this machine comes last: only the kernel's own headers are taken from it.
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${BPF_CLANG} -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_${architecture} -Wall -Werror
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source} ${headers})
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${BPF_TOOL} gen skeleton ${object} name ${name} > ${skeleton}
    DEPENDS ${object})
  add_custom_target(${name}_skeleton DEPENDS ${skeleton})
  set(BPF_SKELETON_DIR ${directory} PARENT_SCOPE)
endfunction()
