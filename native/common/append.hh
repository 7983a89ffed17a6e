// Values one behind the other, as they lie in memory.
#pragma once

#include <string>
#include <type_traits>

namespace systems_manager {

template <typename Value>
void Append(std::string& to, const Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace systems_manager
