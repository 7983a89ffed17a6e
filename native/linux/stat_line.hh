// Text of /proc/PID/stat and /proc/PID/statm.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace systems_manager {

struct StatLine {
  std::string_view name;
  char state;
  uint32_t parent_pid;
  uint64_t flags;
  uint64_t user_ticks;
  uint64_t system_ticks;
  uint32_t thread_count;
  uint64_t start_ticks;
};

// The name may hold any byte, so it ends at the last parenthesis. Empty when the text is cut. The name points into
// `text`.
std::optional<StatLine> ParseStatLine(std::string_view text);

// The second number of statm, which newer kernels keep exact; stat's own may be off by megabytes on many CPUs.
uint64_t ParseResidentPages(std::string_view statm);

}  // namespace systems_manager
