# add_system_call_names(TARGET): lets TARGET include system_call_names.inc, a line { __NR_name, "name" }, for each system
# call that the headers of the kernel know.
function(add_system_call_names target)
  set(empty ${CMAKE_CURRENT_BINARY_DIR}/system_calls.c)
  file(WRITE ${empty} "#include <asm/unistd.h>\n")
  execute_process(
    COMMAND ${CMAKE_C_COMPILER} -dM -E ${empty}
    OUTPUT_VARIABLE macros
    COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "#define __NR_[a-z0-9_]+ " names "${macros}")
  set(lines "")
  foreach(name ${names})
    string(REGEX REPLACE "#define __NR_([a-z0-9_]+) " "{ __NR_\\1, \"\\1\" },\n" line ${name})
    # How many there are, and where those of one machine begin, are no system calls.
    if(NOT name MATCHES "__NR_(syscalls|arch_specific_syscall) ")
      string(APPEND lines ${line})
    endif()
  endforeach()
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/names/system_call_names.inc "${lines}")
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/names)
endfunction()
