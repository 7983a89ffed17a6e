// Finds the symbols of a few addresses in one pass over many symbols, in any order. No table of all symbols is kept: a
// runtime has hundreds of thousands, a profile asks for hundreds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace systems_manager {

// When two symbols hold an address.
enum class Prefer {
  // The one that begins nearer to it; the first of those.
  kNearest,
  // The one that came last: compiled code replaces older code in the same place.
  kLast,
};

// Label: the name, or where it is.
template <typename Label>
class SymbolSearch {
 public:
  SymbolSearch(const std::vector<uint64_t>& addresses, Prefer prefer) : prefer_(prefer) {
    for (size_t position = 0; position < addresses.size(); position++)
      sorted_.push_back({addresses[position], position, {}, {}});
    std::sort(sorted_.begin(), sorted_.end(),
              [](const Wanted& one, const Wanted& other) { return one.address < other.address; });
  }

  // A symbol with a size.
  void Offer(uint64_t start, uint64_t size, const Label& label) {
    for (auto wanted = FirstFrom(start); wanted != sorted_.end() && wanted->address - start < size; ++wanted)
      Keep(wanted->closed, start, label);
  }

  // A symbol that reaches as far as the next one.
  void OfferOpen(uint64_t start, const Label& label) {
    const auto wanted = FirstFrom(start);
    if (wanted != sorted_.end()) Keep(wanted->open, start, label);
  }

  // In the order of the addresses that were given; nothing where there is none.
  std::vector<std::optional<Label>> TakeLabels() {
    std::vector<std::optional<Label>> labels(sorted_.size());
    // What begins before an address begins before all addresses behind it.
    std::optional<Label> open;
    for (auto& wanted : sorted_) {
      if (wanted.open) open = wanted.open->label;
      labels[wanted.position] = wanted.closed ? wanted.closed->label : open;
    }
    return labels;
  }

 private:
  struct Symbol {
    uint64_t start;
    Label label;
  };

  struct Wanted {
    uint64_t address;
    size_t position;
    std::optional<Symbol> closed;
    // The one nearest to this address, and behind the wanted address before it.
    std::optional<Symbol> open;
  };

  typename std::vector<Wanted>::iterator FirstFrom(uint64_t address) {
    return std::lower_bound(sorted_.begin(), sorted_.end(), address,
                            [](const Wanted& wanted, uint64_t value) { return wanted.address < value; });
  }

  void Keep(std::optional<Symbol>& kept, uint64_t start, const Label& label) const {
    if (!kept || prefer_ == Prefer::kLast || kept->start < start) kept = Symbol{start, label};
  }

  std::vector<Wanted> sorted_;
  Prefer prefer_;
};

}  // namespace systems_manager
