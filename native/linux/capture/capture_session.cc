#include "linux/capture/capture_session.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "linux/bpf/session_layout.h"
#include "linux/capture/network_programs.hh"
#include "linux/home_namespace.hh"
#include "linux/kernel_maps.hh"
// It needs the types of the session.
#include "capture.skel.h"

namespace systems_manager {

void CaptureSession::DestroyObject::operator()(struct capture* object) const { capture__destroy(object); }

CaptureSession::CaptureSession(const CaptureOptions& options, const CaptureFilter& filter, OnBatch on_batch)
    : options_(options),
      on_batch_(std::move(on_batch)),
      object_(capture__open()),
      wake_up_(epoll_create1(EPOLL_CLOEXEC)),
      batches_(options.batch_bytes + RECORD_BYTES, options.batches_in_flight) {
  if (!object_) throw std::system_error(errno, std::generic_category(), "open the capture programs");
  ChoosePrograms();
  SizeMap(object_->maps.events, options.ring_bytes);
  SizeMap(object_->maps.scratches, libbpf_num_possible_cpus() * SCRATCH_SLOTS);
  object_->rodata->home_inode = FindHomeNamespace();
  Check(capture__load(object_.get()), "load the capture programs");
  auto* state = object_->bss;
  state->filter.kinds = options.kinds;
  object_->data->page_bytes = static_cast<uint32_t>(sysconf(_SC_PAGESIZE));
  object_->data->wake_at_bytes = options.wake_at_bytes;
  state->events_per_second = options.events_per_second;
  ring_.emplace(bpf_map__fd(object_->maps.events), options.ring_bytes);
  WatchRing();
  // The trees first: their filter needs the programs that pass it on, and every other program needs the filter.
  filter_.emplace(FilterPartsOf(*object_));
  SetFilter(filter);
  Check(capture__attach(object_.get()), "attach the capture programs");
  AttachNetworkPrograms(object_.get());
  reader_ = std::thread([this] { ReadUntilStopped(); });
}

// Woken when the kernel says so, and not, as libbpf's own poll is, whenever anything waits: that would be all the time
// while events come, a few of them at a time.
void CaptureSession::WatchRing() {
  epoll_event when{};
  when.events = EPOLLIN | EPOLLET;
  if (!wake_up_.valid() || epoll_ctl(wake_up_.get(), EPOLL_CTL_ADD, bpf_map__fd(object_->maps.events), &when) != 0)
    throw std::system_error(errno, std::generic_category(), "watch the ring");
}

// Programs that serve no wanted kind are not loaded, and maps of theirs alone are not made. The programs of the trees
// always are: any filter to come may name one.
void CaptureSession::ChoosePrograms() {
  constexpr auto bit = [](event_kind kind) { return 1u << kind; };
  constexpr uint32_t of_sockets = bit(EVENT_TCP_CONNECT) | bit(EVENT_TCP_ACCEPT) | bit(EVENT_TCP_CLOSE) |
                                  bit(EVENT_TCP_RETRANSMIT) | bit(EVENT_TCP_RESET);
  constexpr uint32_t of_datagrams = bit(EVENT_UDP_SEND) | bit(EVENT_DNS_QUERY) | bit(EVENT_DNS_ANSWER);
  uint32_t of_calls = 0;
  for (const auto kinds : object_->rodata->kinds_of_calls) of_calls |= kinds;
  object_->rodata->loaded_kinds = options_.kinds;
  auto& programs = object_->progs;
  const std::pair<uint32_t, bpf_program*> by_kinds[] = {
      {bit(EVENT_EXEC), programs.on_exec},
      {bit(EVENT_FORK), programs.on_fork},
      {bit(EVENT_EXIT), programs.on_exit},
      {of_calls, programs.on_call_exit},
      {of_sockets, programs.on_tcp_state},
      {of_sockets, programs.on_tcp_destroyed},
      {of_sockets, programs.keep_present_owners},
      {bit(EVENT_TCP_RETRANSMIT), programs.on_retransmit},
      {bit(EVENT_TCP_RETRANSMIT), programs.on_retransmit_synack},
      {bit(EVENT_TCP_RESET), programs.on_reset_sent},
      {bit(EVENT_TCP_RESET), programs.on_reset_received},
      {of_datagrams, programs.on_datagram_sent},
      {bit(EVENT_DNS_ANSWER), programs.on_datagram_received},
      {bit(EVENT_SIGNAL), programs.on_signal},
      {bit(EVENT_OOM_KILL), programs.on_oom_kill},
      {bit(EVENT_CAPABILITY_CHECK), programs.on_capability_check},
      {bit(EVENT_BLOCK_IO), programs.on_block_issue},
      {bit(EVENT_BLOCK_IO), programs.on_block_complete},
  };
  for (const auto& [kinds, program] : by_kinds) bpf_program__set_autoload(program, (options_.kinds & kinds) != 0);
  Check(bpf_map__set_autocreate(object_->maps.sockets, (options_.kinds & of_sockets) != 0), "choose maps");
  Check(bpf_map__set_autocreate(object_->maps.pending_queries, (options_.kinds & of_datagrams) != 0), "choose maps");
  Check(bpf_map__set_autocreate(object_->maps.pending_requests, (options_.kinds & bit(EVENT_BLOCK_IO)) != 0),
        "choose maps");
}

CaptureSession::~CaptureSession() {
  Detach();
  stopping_ = true;
  batches_.StopWaiting();
  if (reader_.joinable()) reader_.join();
}

void CaptureSession::SetFilter(const CaptureFilter& filter) { filter_->Set(filter); }

Accounts CaptureSession::ReadAccounts() const {
  const int map = bpf_map__fd(object_->maps.accounts);
  std::vector<kind_account> per_cpu(libbpf_num_possible_cpus());
  Accounts sums{};
  for (uint32_t kind = 0; kind < EVENT_KINDS; kind++) {
    Check(bpf_map_lookup_elem(map, &kind, per_cpu.data()), "read the accounts");
    for (const auto& each : per_cpu) {
      sums[kind].attempted += each.attempted;
      sums[kind].filtered += each.filtered;
      sums[kind].rate_limited += each.rate_limited;
      sums[kind].ring_full += each.ring_full;
      sums[kind].no_scratch += each.no_scratch;
      sums[kind].unreadable += each.unreadable;
      sums[kind].submitted += each.submitted;
    }
  }
  return sums;
}

uint64_t CaptureSession::UntaggedProcesses() const { return filter_->UntaggedProcesses(); }

void CaptureSession::SetEventsPerSecond(uint64_t rate) { object_->bss->events_per_second = rate; }

void CaptureSession::Detach() { capture__detach(object_.get()); }

void CaptureSession::ReadUntilStopped() {
  std::shared_ptr<Batch> batch;
  for (;;) {
    const bool is_last = stopping_;
    if (!batch) batch = batches_.Take();
    batch->size = ring_->Read(batch->bytes.get(), options_.batch_bytes);
    const bool is_full = batch->size >= options_.batch_bytes;
    if (batch->size > 0) on_batch_(std::exchange(batch, nullptr));
    if (is_full) continue;
    if (is_last) return;
    epoll_event woken{};
    epoll_wait(wake_up_.get(), &woken, 1, static_cast<int>(options_.look_every_ms));
  }
}

}  // namespace systems_manager
