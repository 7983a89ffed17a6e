#include <cxxabi.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "linux/profile/symbol_files.hh"
#include "linux/profile/symbol_search.hh"

namespace systems_manager {
namespace {

constexpr size_t kMostLineBytes = 4096;
// A map that a process writes for ever is not read for ever.
constexpr uint64_t kMostTextBytes = uint64_t{1} << 30;

using Search = SymbolSearch<std::string>;

// Calls `take` with each line; one that is too long is cut.
template <typename Take>
void ForEachLine(int file, Take take) {
  std::string line;
  std::array<char, 64 * 1024> chunk;
  for (uint64_t at = 0; at < kMostTextBytes;) {
    const ssize_t got = pread(file, chunk.data(), chunk.size(), static_cast<off_t>(at));
    if (got < 0) throw std::system_error(errno, std::generic_category(), "read symbols");
    if (got == 0) break;
    at += static_cast<uint64_t>(got);
    for (std::string_view rest(chunk.data(), static_cast<size_t>(got)); !rest.empty();) {
      const auto end = rest.find('\n');
      const auto part = rest.substr(0, end);
      line.append(part.substr(0, kMostLineBytes - std::min(kMostLineBytes, line.size())));
      if (end == std::string_view::npos) break;
      take(std::string_view(line));
      line.clear();
      rest.remove_prefix(end + 1);
    }
  }
  if (!line.empty()) take(std::string_view(line));
}

// Takes the next word, and the space behind it, away from the line.
std::string_view TakeWord(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<uint64_t> ParseHex(std::string_view word) {
  if (word.substr(0, 2) == "0x") word.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

Names TakeNames(Search& search) {
  Names names;
  for (auto& label : search.TakeLabels()) names.push_back(label ? Demangle(std::move(*label)) : std::string());
  return names;
}

}  // namespace

Names FindMapSymbols(int file, const std::vector<uint64_t>& addresses) {
  Search search(addresses, Prefer::kLast);
  ForEachLine(file, [&search](std::string_view line) {
    const auto start = ParseHex(TakeWord(line));
    const auto size = ParseHex(TakeWord(line));
    if (start && size) search.Offer(*start, *size, std::string(line));
  });
  return TakeNames(search);
}

Names FindKernelSymbols(int file, const std::vector<uint64_t>& addresses) {
  Search search(addresses, Prefer::kNearest);
  ForEachLine(file, [&search](std::string_view line) {
    const auto start = ParseHex(TakeWord(line));
    const auto kind = TakeWord(line);
    // A module stands in brackets behind the name.
    const auto name = line.substr(0, line.find('\t'));
    if (start && *start != 0 && kind.size() == 1 && std::string_view("tTwW").find(kind) != std::string_view::npos)
      search.OfferOpen(*start, std::string(name));
  });
  return TakeNames(search);
}

std::string Demangle(std::string name) {
  if (name.rfind("_Z", 0) != 0) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                          &std::free);
  // A short name can stand for a very long one.
  return status == 0 && plain ? std::string(std::string_view(plain.get()).substr(0, kMostLineBytes)) : name;
}

}  // namespace systems_manager
