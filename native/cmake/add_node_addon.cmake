# add_node_addon(NAME SOURCE...): a C++17 Node-API addon NAME.node, warnings as errors, symbols hidden. Expects cmake-js's
# CMAKE_JS_INC, CMAKE_JS_SRC and CMAKE_JS_LIB; finds node-addon-api where Node's own resolution does.
# -D SANITIZER=address builds it to run under that sanitizer's library.
set(SANITIZER "" CACHE STRING "as of -fsanitize; none by default")

function(add_node_addon name)
  execute_process(
    COMMAND node -p "require('node-addon-api').include_dir"
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE node_addon_api_dir
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  get_filename_component(node_addon_api_dir ${node_addon_api_dir} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})

  add_library(${name} SHARED ${ARGN} ${CMAKE_JS_SRC})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".node" CXX_VISIBILITY_PRESET hidden)
  target_compile_features(${name} PRIVATE cxx_std_17)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror)
  if(SANITIZER)
    # In code that it has instrumented, GCC takes what is initialized for uninitialized.
    target_compile_options(${name} PRIVATE -fsanitize=${SANITIZER} -fno-omit-frame-pointer -g -Wno-maybe-uninitialized)
    target_link_options(${name} PRIVATE -fsanitize=${SANITIZER})
  endif()
  # C++ exceptions of every type end at the edge of the addon and become rejections there.
  target_compile_definitions(${name} PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS_ALL)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/native)
  # Other people's headers are not held to our warnings.
  target_include_directories(${name} SYSTEM PRIVATE ${node_addon_api_dir} ${CMAKE_JS_INC})
  target_link_libraries(${name} PRIVATE ${CMAKE_JS_LIB})
endfunction()
