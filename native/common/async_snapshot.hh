// Runs a walk on a thread of libuv's pool and gives JavaScript a promise of its records.
#pragma once

#include <napi.h>

#include <functional>

#include "common/record_buffer.hh"

namespace systems_manager {

// Called on the pool's thread; touches nothing of JavaScript. Throws std::system_error when a system call fails.
using Walk = std::function<RecordBuffer()>;

// JavaScript's thread. The promise resolves to an ArrayBuffer, or is rejected with an Error that has Node's `errno`.
Napi::Promise RunWalk(Napi::Env env, Walk walk);

}  // namespace systems_manager
