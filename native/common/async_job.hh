// Runs a piece of work on a thread of libuv's pool and gives JavaScript a promise of what it leads to. The one place
// where a C++ exception of such work becomes an error of JavaScript.
#pragma once

#include <napi.h>

#include <functional>
#include <string>

namespace systems_manager {

// The pool's thread; touches nothing of JavaScript. May throw; a std::system_error keeps its number.
using AsyncWork = std::function<void()>;

// JavaScript's thread, after the work. Makes the value.
using AsyncResult = std::function<Napi::Value(Napi::Env)>;

// JavaScript's thread.
Napi::Promise RunAsync(Napi::Env env, AsyncWork work, AsyncResult result);

// Work that makes bytes, of which the promise becomes an ArrayBuffer.
Napi::Promise RunAsync(Napi::Env env, std::function<std::string()> work);

// JavaScript's thread. An Error with Node's `errno`, unless the number is 0.
Napi::Error MakeError(Napi::Env env, const std::string& message, int number);

// JavaScript's thread. Copied into memory of the engine, which costs less than memory that it does not own.
Napi::ArrayBuffer CopyToArrayBuffer(Napi::Env env, const void* bytes, size_t size);

}  // namespace systems_manager
