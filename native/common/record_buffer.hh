// A growing buffer of packed records with a header in front. Owned by one thread at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/append.hh"
#include "common/record_layout.hh"

namespace systems_manager {

class RecordBuffer {
 public:
  RecordBuffer() { Append(bytes_, RecordHeader{kLayoutVersion, 0, 0, 0}); }

  // Begins a record with its fixed part.
  template <typename Record>
  void AppendRecord(const Record& record) {
    Append(bytes_, record);
    UpdateHeader([](RecordHeader& header) { header.count++; });
  }

  void AppendBytes(std::string_view bytes) { bytes_.append(bytes); }

  // Whole records of one size that lie one behind the other.
  void AppendRecords(std::string_view records, size_t size) {
    AppendBytes(records);
    UpdateHeader([&](RecordHeader& header) { header.count += static_cast<uint32_t>(records.size() / size); });
  }

  // Puts records of one size in order; mostly they are already.
  template <typename Record, typename IsBefore>
  void Sort(IsBefore is_before) {
    std::vector<Record> sorted((bytes_.size() - sizeof(RecordHeader)) / sizeof(Record));
    if (sorted.empty()) return;
    std::memcpy(sorted.data(), bytes_.data() + sizeof(RecordHeader), sorted.size() * sizeof(Record));
    if (std::is_sorted(sorted.begin(), sorted.end(), is_before)) return;
    std::sort(sorted.begin(), sorted.end(), is_before);
    std::memcpy(bytes_.data() + sizeof(RecordHeader), sorted.data(), sorted.size() * sizeof(Record));
  }

  // The records of another buffer, and what it could not see.
  void AppendAll(const RecordBuffer& other) {
    RecordHeader added;
    std::memcpy(&added, other.bytes_.data(), sizeof(added));
    AppendBytes(std::string_view(other.bytes_).substr(sizeof(added)));
    UpdateHeader([&](RecordHeader& header) {
      header.count += added.count;
      header.unseen += added.unseen;
    });
  }

  // Ends a record with a variable part.
  void PadToWord() { bytes_.resize(PaddedToWord(bytes_.size())); }

  void CountUnseen() {
    UpdateHeader([](RecordHeader& header) { header.unseen++; });
  }

  const std::string& bytes() const { return bytes_; }
  std::string TakeBytes() && { return std::move(bytes_); }

  static constexpr size_t PaddedToWord(size_t size) { return (size + 7) & ~size_t{7}; }

 private:
  template <typename Update>
  void UpdateHeader(Update update) {
    RecordHeader header;
    std::memcpy(&header, bytes_.data(), sizeof(header));
    update(header);
    std::memcpy(bytes_.data(), &header, sizeof(header));
  }

  std::string bytes_;
};

}  // namespace systems_manager
