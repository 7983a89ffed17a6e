#include "linux/aggregate/system_call_names.hh"

#include <asm/unistd.h>

#include <unordered_map>

#include "linux/bpf/tally_layout.h"

namespace systems_manager {

std::string SystemCallName(uint64_t number) {
  // Of native/cmake/add_system_call_names.cmake.
  static const auto& names = *new std::unordered_map<uint64_t, const char*>{
#include "system_call_names.inc"
  };
  if (number & COMPAT_CALL) return "32-bit system call " + std::to_string(number & ~COMPAT_CALL);
  const auto found = names.find(number);
  return found == names.end() ? "system call " + std::to_string(number) : found->second;
}

}  // namespace systems_manager
