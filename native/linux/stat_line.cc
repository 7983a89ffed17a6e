#include "linux/stat_line.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace systems_manager {
namespace {

// Numbers as in proc_pid_stat(5).
constexpr size_t kFirstField = 3;
constexpr size_t kLastField = 22;

using Fields = std::array<std::string_view, kLastField + 1>;

// Splits what follows the name; false when there are fewer fields than needed.
bool SplitFields(std::string_view text, Fields& fields) {
  size_t start = 0;
  for (size_t field = kFirstField; field <= kLastField; field++) {
    if (start >= text.size()) return false;
    const size_t end = std::min(text.find(' ', start), text.size());
    fields[field] = text.substr(start, end - start);
    start = end + 1;
  }
  return true;
}

template <typename Number>
Number ToNumber(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::optional<StatLine> ParseStatLine(std::string_view text) {
  const size_t opening = text.find('(');
  const size_t closing = text.rfind(')');
  if (opening == std::string_view::npos || closing == std::string_view::npos || closing < opening) return std::nullopt;
  Fields fields;
  if (closing + 2 > text.size() || !SplitFields(text.substr(closing + 2), fields)) return std::nullopt;
  if (fields[kFirstField].empty()) return std::nullopt;
  StatLine stat{};
  stat.name = text.substr(opening + 1, closing - opening - 1);
  stat.state = fields[3][0];
  stat.parent_pid = ToNumber<uint32_t>(fields[4]);
  stat.flags = ToNumber<uint64_t>(fields[9]);
  stat.user_ticks = ToNumber<uint64_t>(fields[14]);
  stat.system_ticks = ToNumber<uint64_t>(fields[15]);
  stat.thread_count = ToNumber<uint32_t>(fields[20]);
  stat.start_ticks = ToNumber<uint64_t>(fields[22]);
  return stat;
}

uint64_t ParseResidentPages(std::string_view statm) {
  const size_t space = statm.find(' ');
  return space == std::string_view::npos ? 0 : ToNumber<uint64_t>(statm.substr(space + 1));
}

}  // namespace systems_manager
