#include "linux/aggregate/aggregate_session.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "common/append.hh"
#include "linux/aggregate/choose_programs.hh"
#include "linux/aggregate/read_rows.hh"
#include "linux/aggregate/system_call_names.hh"
#include "linux/bpf/session_layout.h"
#include "linux/home_namespace.hh"
#include "linux/kernel_maps.hh"
#include "linux/read_iterator.hh"
// It needs the types of the session.
#include "aggregate.skel.h"

namespace systems_manager {

void AggregateSession::DestroyObject::operator()(struct aggregate* object) const { aggregate__destroy(object); }

AggregateSession::AggregateSession(const AggregateOptions& options, const CaptureFilter& filter)
    : options_(options), object_(aggregate__open()) {
  if (!object_) throw std::system_error(errno, std::generic_category(), "open the counting programs");
  ChoosePrograms(object_.get(), options_);
  ChooseMaps();
  auto& question = *object_->rodata;
  question.counted_by = options_.by;
  question.counted_kind = KindOf(options_.source);
  question.home_inode = FindHomeNamespace();
  question.measures_latency = options_.measures_latency;
  question.text_seed = DrawSeed();
  Check(aggregate__load(object_.get()), "load the counting programs");
  object_->data->page_bytes = static_cast<uint32_t>(sysconf(_SC_PAGESIZE));
  object_->bss->filter.kinds = 1u << KindOf(options_.source);
  filter_.emplace(FilterPartsOf(*object_));
  filter_->Set(filter);
  Check(aggregate__attach(object_.get()), "attach the counting programs");
  if (object_->links.keep_present_owners)
    ReadIterator(bpf_link__fd(object_->links.keep_present_owners), "look at open sockets");
}

AggregateSession::~AggregateSession() { Stop(); }

void AggregateSession::Stop() {
  const std::lock_guard lock(stop_mutex_);
  aggregate__detach(object_.get());
}

// Maps that the question does not need are not made; texts are always named by a function that is loaded anyway.
void AggregateSession::ChooseMaps() {
  const auto& maps = object_->maps;
  const bool is_of_sockets = bpf_program__autoload(object_->progs.on_tcp_state);
  const bool has_texts = options_.by == BY_PATH || options_.by == BY_DEVICE;
  const auto source = options_.source;
  const std::pair<bpf_map*, bool> needs[] = {
      {maps.counts, !options_.measures_latency},
      {maps.latencies, options_.measures_latency},
      {maps.all_latencies, options_.measures_latency},
      {maps.sockets, is_of_sockets},
      {maps.pending_requests, source == AggregateSource::kBlockIo},
      {maps.waiting_threads, source == AggregateSource::kRunQueue},
      {maps.system_calls, source == AggregateSource::kSyscall && options_.measures_latency},
  };
  for (const auto& [map, is_needed] : needs) Check(bpf_map__set_autocreate(map, is_needed), "choose maps");
  SizeMap(maps.counts, options_.most_keys);
  SizeMap(maps.latencies, options_.most_keys);
  SizeMap(maps.texts, has_texts ? options_.most_keys : 1);
  SizeMap(maps.scratches, libbpf_num_possible_cpus() * SCRATCH_SLOTS);
}

std::string AggregateSession::Read() const {
  std::string of_all;
  if (options_.measures_latency) {
    const uint32_t zero = 0;
    std::vector<latency_tally> per_cpu(libbpf_num_possible_cpus());
    Check(bpf_map_lookup_elem(bpf_map__fd(object_->maps.all_latencies), &zero, per_cpu.data()), "read the latencies");
    Append(of_all, SumOf(per_cpu.data(), per_cpu.size()));
  }
  std::string rows;
  AppendRows(rows);
  // What began was counted as attempted first, so it is looked at last: no part is ever greater than the whole.
  const auto ends = ReadAccount();
  const auto begins = ReadAccount();
  std::string to;
  Append(to, begins.attempted);
  Append(to, ends.filtered);
  Append(to, ends.ring_full + ends.no_scratch);
  Append(to, ends.unreadable);
  Append(to, filter_->UntaggedProcesses());
  return to + of_all + rows;
}

kind_account AggregateSession::ReadAccount() const {
  std::vector<kind_account> per_cpu(libbpf_num_possible_cpus());
  const uint32_t kind = KindOf(options_.source);
  Check(bpf_map_lookup_elem(bpf_map__fd(object_->maps.accounts), &kind, per_cpu.data()), "read the accounts");
  kind_account sum{};
  for (const auto& each : per_cpu) {
    sum.attempted += each.attempted;
    sum.filtered += each.filtered;
    sum.ring_full += each.ring_full;
    sum.no_scratch += each.no_scratch;
    sum.unreadable += each.unreadable;
  }
  return sum;
}

void AggregateSession::AppendRows(std::string& to) const {
  const auto append = [&](const tally_key& key, const auto& tally) {
    const auto text = TextOf(key);
    Append(to, key);
    Append(to, tally);
    Append(to, uint64_t{text.size()});
    to += text;
    to.append((8 - text.size() % 8) % 8, '\0');
  };
  if (options_.measures_latency) {
    ReadRows<latency_tally>(bpf_map__fd(object_->maps.latencies), options_.most_keys, append);
  } else {
    ReadRows<tally>(bpf_map__fd(object_->maps.counts), options_.most_keys, append);
  }
}

std::string AggregateSession::TextOf(const tally_key& key) const {
  if (options_.by == BY_SYSCALL) return SystemCallName(key.number);
  if (options_.by != BY_PATH && options_.by != BY_DEVICE) return {};
  char text[MAX_PATH_BYTES];
  Check(bpf_map_lookup_elem(bpf_map__fd(object_->maps.texts), &key.number, text), "read a text");
  return {text, std::find(text, text + sizeof(text), '\0')};
}

}  // namespace systems_manager
