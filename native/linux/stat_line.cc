#include "linux/stat_line.h"

#include <array>
#include <charconv>
#include <cstddef>

namespace systems_manager {
namespace {

// Numbers as in proc_pid_stat(5).
constexpr size_t kFirstField = 3;
constexpr size_t kLastField = 24;

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
  return StatLine{
      text.substr(opening + 1, closing - opening - 1),
      fields[3][0],
      ToNumber<uint32_t>(fields[4]),
      ToNumber<uint64_t>(fields[9]),
      ToNumber<uint64_t>(fields[14]),
      ToNumber<uint64_t>(fields[15]),
      ToNumber<uint32_t>(fields[20]),
      ToNumber<uint64_t>(fields[22]),
      ToNumber<uint64_t>(fields[24]),
  };
}

}  // namespace systems_manager
