// Text of /proc/PID/stat.
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
  uint64_t resident_pages;
};

// The name may hold any byte, so it ends at the last parenthesis. Empty when the text is cut. The name points into
// `text`.
std::optional<StatLine> ParseStatLine(std::string_view text);

}  // namespace systems_manager
