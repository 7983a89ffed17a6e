// When an rpc begins and ends, whatever its kind, for those who measure or trace it.
import type { Message } from "@bufbuild/protobuf";
import type { Interceptor, StreamRequest, UnaryRequest } from "@connectrpc/connect";

/** Called when the rpc ends, once: with the error, if it ended with one. */
export type RpcEnd = (error?: unknown) => void;

/** Calls `begin` with every rpc; a stream ends with its last message, or when its caller is gone. */
export function observeRpcs(begin: (request: UnaryRequest | StreamRequest) => RpcEnd): Interceptor {
  return (next) => async (request) => {
    const end = once(begin(request));
    try {
      const response = await next(request);
      if (!response.stream) end();
      return response.stream ? { ...response, message: untilEnd(response.message, request.signal, end) } : response;
    } catch (error) {
      end(error);
      throw error;
    }
  };
}

async function* untilEnd(messages: AsyncIterable<Message>, signal: AbortSignal, end: RpcEnd): AsyncGenerator<Message> {
  // A stream whose caller is gone may be left without being read to its end.
  const abandoned = () => end(signal.reason);
  signal.addEventListener("abort", abandoned, { once: true });
  try {
    yield* messages;
    end();
  } catch (error) {
    end(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", abandoned);
    end(signal.aborted ? signal.reason : undefined);
  }
}

function once(end: RpcEnd): RpcEnd {
  let ended = false;
  return (error) => {
    if (ended) return;
    ended = true;
    end(error);
  };
}
